import { type Command, InvalidArgumentError, Option } from 'commander';
import type { MoveCommit } from '../../catalog/catalog.ts';
import { parseDuration } from '../../core/duration.ts';
import { AssetError } from '../../core/errors.ts';
import { parseSize } from '../../core/size.ts';
import { organizationScope } from '../../operations/assets/organization-scope.ts';
import type { OperationContext } from '../../operations/context.ts';
import { checkMigration, measureMigration, migrate } from '../../operations/moving/migrate.ts';
import type { MigrateRequest } from '../../operations/moving/migrate-run.ts';
import { fixedSelection } from '../../operations/removal/delete.ts';
import type { Bind, Invocation } from '../command.ts';
import { toFilter } from '../options/filters.ts';
import { addSelectionOptions, readIds, type SelectionOptions } from '../options/selection.ts';
import { parsedBy, wholeNumber } from '../options/values.ts';
import { confirmOrStop, countAndSize } from '../output/confirm.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { reportMigration } from '../output/migration.ts';
import { configureReport } from './migrate-report.ts';

interface MigrateOptions extends SelectionOptions {
  from?: string;
  to?: string;
  keepSource?: boolean;
  sourceGrace?: number;
  dryRun?: boolean;
  concurrency: number;
  bandwidth?: number;
  serverSide: 'auto' | 'never';
  maxDuration?: number;
  retryFailed?: boolean;
  manifest?: string;
  allOrgs?: boolean;
  yes?: boolean;
}

const DEFAULT_CONCURRENCY = 32;
const MOST_CONCURRENCY = 256;
/** As long as the catalog can say: a kept source goes with the last asset on its content. */
const FOR_EVER_SECONDS = 100 * 366 * 86_400;

const EXAMPLES = `
Copies each object, verifies it, switches all its assets to the copy in one transaction, and removes the source.
Readers never notice. It may be killed at any time and run on many hosts at once: the next run goes on. Without
filters every status moves, expired assets and former copies too. What cannot be moved stays in the source, works
as before, and is named; a damaged source ends the run with 10. How to leave a provider: docs/migrating.md

Examples:
  $ asset-cli migrate --from legacy --to reports --dry-run
  $ asset-cli migrate --from legacy --to reports --all-orgs --source-grace 24h --manifest moved.jsonl --yes
  $ asset-cli migrate --from local --to reports --type SEO_REPORT --bandwidth 20MiB --max-duration 2h --yes
  $ asset-cli migrate --from legacy --to reports --retry-failed --yes
  $ asset-cli migrate report
  $ asset-cli migrate report 1f0c2a9b
`;

export function configure(command: Command, bind: Bind): void {
  const duration = parsedBy(parseDuration);
  command
    .option('--from <backend>', 'the backend to leave')
    .option('--to <backend>', 'the backend to go to')
    .option('--keep-source', 'leave the source copies where they are')
    .option(
      '--source-grace <duration>',
      'let purge-expired remove the source copies so much later',
      parsedBy(parseGrace),
    )
    .option('--dry-run', 'show what would move, and change nothing')
    .option('--concurrency <n>', 'objects at once', parseConcurrency, DEFAULT_CONCURRENCY)
    .option('--bandwidth <size>', 'bytes a second through this process: 20MiB', parsedBy(parseBandwidth))
    .addOption(
      new Option('--server-side <when>', 'within a provider, let the service copy')
        .choices(['auto', 'never'])
        .default('auto'),
    )
    .option('--max-duration <duration>', 'take no new work after so long', duration)
    .option('--retry-failed', 'only what earlier runs between these backends could not move')
    .option('--manifest <file>', 'write a line for each asset moved: a proof for verify --against')
    .option('--all-orgs', 'every organisation (operators)')
    .option('--yes', 'do not ask');
  const all = 'every status and former copies too, as without filters; with filters, what they leave';
  addSelectionOptions(command, all).addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runMigrate);
  configureReport(command, bind);
}

function parseConcurrency(text: string): number {
  const objects = wholeNumber(1)(text);
  if (objects <= MOST_CONCURRENCY) return objects;
  throw new InvalidArgumentError(`Give at most ${MOST_CONCURRENCY}.`);
}

/** `20MiB` and `20MiB/s` */
function parseBandwidth(text: string): number {
  const bytes = parseSize(text.replace(/\/s$/, ''));
  if (bytes > 0) return bytes;
  throw new AssetError('USAGE', 'Nothing would ever arrive', { hint: 'Give at least 1 byte a second.' });
}

async function runMigrate(invocation: Invocation, ids: readonly string[], options: MigrateOptions): Promise<number> {
  const { globals, streams, signal } = invocation;
  const dryRun = options.dryRun === true;
  const { from, to } = backendsOf(options, globals.backend);
  const context = await invocation.context({ readOnly: dryRun });
  const asks = !dryRun && options.yes !== true && options.keepSource !== true;
  const wanted = toRequest(invocation, context, ids, { ...options, from, to });
  await checkMigration(context, wanted);
  // The question comes before the deed, and names that are piped in can be read once only.
  const { selection } = wanted;
  const request = asks && selection.kind === 'ids' ? { ...wanted, selection: await fixedSelection(selection) } : wanted;
  if (asks) {
    const { count, bytes } = await measureMigration(context, request);
    const deed = `Move ${countAndSize(count, bytes)} from ${from} to ${to}`;
    if (count > 0) await confirmOrStop(streams, { yes: false, input: globals.input !== false }, deed, signal);
  }
  return reportMigration(invocation, migrate(context, request), dryRun);
}

function backendsOf({ from, to }: MigrateOptions, filter: string | undefined): { from: string; to: string } {
  if (from === undefined || to === undefined) {
    throw new AssetError('USAGE', 'migrate needs --from and --to', { hint: 'Name two backends of the configuration.' });
  }
  if (filter === undefined || filter === from) return { from, to };
  throw new AssetError('USAGE', `--backend ${filter} and --from ${from} contradict each other`, {
    hint: 'Leave out --backend: --from says where the assets lie.',
  });
}

function toRequest(
  { streams }: Invocation,
  context: OperationContext,
  ids: readonly string[],
  options: MigrateOptions & { from: string; to: string },
): MigrateRequest {
  const { from, to, concurrency, bandwidth, maxDuration, manifest } = options;
  if (manifest !== undefined && options.dryRun === true) {
    throw new AssetError('USAGE', 'A dry run moves nothing that --manifest could list', { hint: 'Give one of them.' });
  }
  const filter = toFilter(options, {}, context);
  const isFiltered = Object.keys(filter).length > 0;
  if ([ids.length > 0, isFiltered || options.all === true, options.retryFailed === true].filter(Boolean).length > 1) {
    throw new AssetError('USAGE', 'Ids, filters and --retry-failed cannot be combined', { hint: 'Give one of them.' });
  }
  const scope = organizationScope(context.identity, options.allOrgs === true);
  const everything = { status: 'any', expired: 'include' } as const;
  const named = ids.includes('-') ? readIds(ids, streams) : ids;
  const isAll = ids.length === 0 && !isFiltered && options.retryFailed !== true;
  const byFilter = { kind: 'filter' as const, scope, filter: isFiltered ? filter : everything };
  return {
    from,
    to,
    scope,
    selection:
      options.retryFailed === true ? { kind: 'failed' } : ids.length > 0 ? { kind: 'ids', ids: named } : byFilter,
    withFormerCopies: isAll && options.keepSource !== true && options.sourceGrace === undefined,
    sourceEnd: sourceEndOf(options),
    dryRun: options.dryRun === true,
    concurrency,
    serverSide: options.serverSide === 'auto',
    ...(bandwidth === undefined ? {} : { bandwidth }),
    ...(maxDuration === undefined ? {} : { maxDuration }),
    ...(manifest === undefined ? {} : { manifest }),
  };
}

/** Milliseconds. What is beyond the calendar of the catalog SQLite cannot add, and PostgreSQL not be asked for again. */
function parseGrace(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds <= FOR_EVER_SECONDS * 1000) return milliseconds;
  throw new AssetError('USAGE', `"${text}" is too long`, { hint: 'Give at most 100 years, or --keep-source instead.' });
}

function sourceEndOf({ keepSource, sourceGrace }: MigrateOptions): MoveCommit['sourceEnd'] {
  if (keepSource === true && sourceGrace !== undefined) {
    throw new AssetError('USAGE', '--keep-source and --source-grace contradict each other', {
      hint: 'Give one of them.',
    });
  }
  if (keepSource === true) return { kind: 'retain', seconds: FOR_EVER_SECONDS };
  return sourceGrace === undefined ? { kind: 'delete' } : { kind: 'retain', seconds: Math.ceil(sourceGrace / 1000) };
}
