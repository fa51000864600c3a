import type { Command } from 'commander';
import { parseTime } from '../../core/calendar.ts';
import { parseDuration } from '../../core/duration.ts';
import { AssetError } from '../../core/errors.ts';
import { checkId } from '../../core/identity.ts';
import { formatSize } from '../../core/size.ts';
import type { MaxDelete } from '../../operations/removal/max-delete.ts';
import { measurePurge, purgeExpired } from '../../operations/removal/purge-expired.ts';
import type { PurgeOutcome, PurgeRequest } from '../../operations/removal/purge-run.ts';
import type { Bind, Invocation } from '../command.ts';
import { keepHeapSmall } from '../flat-memory.ts';
import { checkAssetType, warnOfUnknownType } from '../options/filters.ts';
import { addMaxDeleteOption } from '../options/max-delete.ts';
import { parsedBy, wholeNumber } from '../options/values.ts';
import { confirmOrStop, countAndSize } from '../output/confirm.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { reportRun } from '../output/runs.ts';
import type { Column } from '../output/table.ts';

interface PurgeOptions {
  yes?: boolean;
  dryRun?: boolean;
  allOrgs?: boolean;
  type?: string;
  project?: string;
  before?: string;
  limit?: number;
  batchSize?: number;
  maxDuration?: number;
  maxDelete?: MaxDelete;
}

const LARGEST_BATCH = 5000;

const EXAMPLES = `
Removes assets past their expiry and trash past its time, the longest due first; without --type and --project, and
for an operator, also what interrupted commands left behind. Any number of hosts may run it at once, and it may be
killed at any time: the next run goes on. An admin purges the own organisation, an operator any (--all-orgs).
How to let cron, systemd or Kubernetes run it: docs/scheduling.md

Examples:
  $ asset-cli purge-expired --dry-run
  $ asset-cli purge-expired --all-orgs --yes --max-delete 5% --max-duration 30m --json
  $ asset-cli purge-expired --type EXPORT_FILE --before 2026-01-01 --limit 1000 --yes
`;

export function configure(command: Command, bind: Bind): void {
  command
    .option('--yes', 'do not ask')
    .option('--dry-run', 'show what would be removed, and change nothing')
    .option('--all-orgs', 'every organisation (operators)')
    .option('--type <type>', 'only assets of this type', parsedBy(checkAssetType))
    .option(
      '--project <id>',
      'only assets of this project',
      parsedBy((id) => checkId('project', id)),
    )
    .option('--before <time>', 'only what was due before this time', parsedBy(parsePastTime))
    .option('--limit <n>', 'at most so many assets', wholeNumber(1))
    .option(
      '--batch-size <n>',
      'assets a transaction (default: 150 on PostgreSQL, 1500 on SQLite)',
      parsedBy(parseBatch),
    )
    .option('--max-duration <duration>', 'take no new work after so long', parsedBy(parseDuration));
  addMaxDeleteOption(command).addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runPurge);
}

function parsePastTime(text: string): string {
  const time = parseTime(text);
  if (Date.parse(time) <= Date.now()) return time;
  throw new AssetError('USAGE', `"${text}" is in the future`, { hint: 'What is not due yet is not purged.' });
}

function parseBatch(text: string): number {
  const size = wholeNumber(1)(text);
  if (size <= LARGEST_BATCH) return size;
  throw new AssetError('USAGE', `${size} is a large batch`, { hint: `Give at most ${LARGEST_BATCH}.` });
}

async function runPurge(invocation: Invocation, options: PurgeOptions): Promise<number> {
  const { globals, streams, signal } = invocation;
  const request = toRequest(options, globals.backend);
  const context = await invocation.context({ readOnly: request.dryRun });
  warnOfUnknownType(request.assetType, context);
  if (!request.dryRun && options.yes !== true) {
    const { count, bytes } = await measurePurge(context, request);
    const deed = `Remove ${countAndSize(count, bytes)} that ${count === 1 ? 'is' : 'are'} due, for good, and leftovers`;
    await confirmOrStop(streams, { yes: false, input: globals.input !== false }, deed, signal);
  }
  return report(invocation, purgeExpired(context, request), request.dryRun);
}

function toRequest(options: PurgeOptions, backend: string | undefined): PurgeRequest {
  const { type, project, before, limit, batchSize, maxDuration, maxDelete } = options;
  return {
    allOrganizations: options.allOrgs === true,
    dryRun: options.dryRun === true,
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(backend === undefined ? {} : { backend }),
    ...(type === undefined ? {} : { assetType: type }),
    ...(project === undefined ? {} : { projectId: project }),
    ...(before === undefined ? {} : { before }),
    ...(limit === undefined ? {} : { limit }),
    ...(maxDuration === undefined ? {} : { maxDuration }),
    ...(maxDelete === undefined ? {} : { maxDelete }),
  };
}

type PurgeItem = Extract<PurgeOutcome, { kind: 'purged' | 'would-purge' | 'failed' }>;
type Purged = Exclude<PurgeItem, { kind: 'failed' }>;

interface Totals {
  purged: number;
  bytes: number;
  leftovers: number;
  /** Contents that an interrupted scan had found infected. */
  quarantined: number;
  remaining: number;
}

function report(invocation: Invocation, outcomes: AsyncIterable<PurgeOutcome>, dryRun: boolean): Promise<number> {
  const totals: Totals = { purged: 0, bytes: 0, leftovers: 0, quarantined: 0, remaining: 0 };
  return reportRun<PurgeItem, Purged>(invocation, itemsOf(outcomes, totals), {
    shape: {
      toJson: ({ id, reason, organizationId, bytes }) => ({ id, reason, organizationId, bytes, dryRun }),
      columns: COLUMNS,
    },
    toItem: (outcome) => {
      if (outcome.kind !== 'failed') return { item: outcome };
      const subject = nameOf(outcome.subject);
      return { subject, identity: outcome.subject, failure: outcome.failure };
    },
    count: (outcome) => {
      if (outcome.kind === 'failed') return;
      totals.purged += 1;
      totals.bytes += outcome.bytes;
    },
    summary: (failed) => ({ ...totals, failed, dryRun }),
    describe: (failed) => describe(totals, failed, dryRun),
  });
}

function nameOf(subject: Extract<PurgeItem, { kind: 'failed' }>['subject']): string {
  if ('id' in subject) return subject.id;
  return 'backend' in subject ? `backend ${subject.backend}` : `content ${subject.sha256}`;
}

/** Acts on what is no asset or keeps its totals, and passes the rest on. */
async function* itemsOf(outcomes: AsyncIterable<PurgeOutcome>, totals: Totals): AsyncGenerator<PurgeItem> {
  for await (const outcome of outcomes) {
    if (outcome.kind === 'due') keepHeapSmall(outcome.count);
    else if (outcome.kind === 'leftovers') {
      totals.leftovers += outcome.count;
      totals.bytes += outcome.bytes;
    } else if (outcome.kind === 'quarantined') totals.quarantined += outcome.count;
    else if (outcome.kind === 'remaining') totals.remaining = outcome.count;
    else yield outcome;
  }
}

function describe(
  { purged, bytes, leftovers, quarantined, remaining }: Totals,
  failed: number,
  dryRun: boolean,
): string {
  const verb = dryRun ? 'would be purged' : 'purged';
  const parts = [`${purged} ${verb} (${formatSize(bytes)})`];
  if (leftovers > 0) parts.push(`${leftovers} leftovers`);
  if (quarantined > 0) parts.push(`${quarantined} infected taken out of reach`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (remaining > 0) parts.push(`${remaining} remain for the next run`);
  return parts.join(', ');
}

const COLUMNS: readonly Column<Purged>[] = [
  { header: 'ID', value: ({ id }) => id, width: 36, short: { below: 70, width: 8, value: ({ id }) => id.slice(0, 8) } },
  { header: 'DUE', value: ({ reason }) => reason, width: 7 },
  { header: 'BYTES', value: ({ bytes }) => formatSize(bytes), width: 8, align: 'right' },
  {
    header: 'RESULT',
    value: ({ kind }) => (kind === 'purged' ? 'purged' : 'would be purged'),
    width: 15,
    flexible: true,
  },
];
