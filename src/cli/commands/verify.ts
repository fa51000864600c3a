import type { Command } from 'commander';
import { AssetError, type ErrorCode, type FailureRecord } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import { checkVerification, verify } from '../../operations/verify/verify.ts';
import { verifyManifest } from '../../operations/verify/verify-manifest.ts';
import type { Finding, VerifyOutcome, VerifyRequest } from '../../operations/verify/verify-run.ts';
import type { Bind, Invocation } from '../command.ts';
import { batchExitCode } from '../exit-codes.ts';
import { tellFailed } from '../output/batch.ts';
import { confirmOrStop } from '../output/confirm.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { reportVerdicts } from '../output/manifest-verdicts.ts';
import { startProgress } from '../output/progress.ts';
import { createSink, type ItemShape } from '../output/sink.ts';
import type { Column } from '../output/table.ts';

interface VerifyOptions {
  deep?: boolean;
  resume?: boolean;
  repair?: boolean;
  yes?: boolean;
  against?: string;
  allOrgs?: boolean;
}

const EXAMPLES = `
Compares the catalog with each store's own listing; where a store reports checksums that tells of changed bytes
without reading any. --deep reads and hashes every byte. Finds: missing (a row without bytes), corrupt, orphaned
(bytes of ours, older than a day, that no row knows; operators), abandoned (interrupted uploads and deletes).

--repair takes a good copy from another backend or asset where there is one and else marks the assets as damaged,
moves orphans to lost+found/ for 30 days, and finishes or undoes what was interrupted.

Ends with 10 if anything is missing or corrupt and not repaired.

Examples:
  $ asset-cli verify
  $ asset-cli verify --all-orgs --deep --resume --json
  $ asset-cli verify --backend archive --repair --yes
  $ asset-cli verify --all-orgs --against moved.jsonl
`;

export function configure(command: Command, bind: Bind): void {
  command
    .option('--deep', 'read every byte and hash it')
    .option('--resume', 'with --deep: go on where the last one was interrupted')
    .option('--repair', 'put right what can be put right')
    .option('--yes', 'with --repair: do not ask')
    .option('--against <manifest>', 'read what a migration moved, and say of each asset whether it is the same')
    .option('--all-orgs', 'every organisation (operators)')
    .addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runVerify);
}

async function runVerify(invocation: Invocation, options: VerifyOptions): Promise<number> {
  const { globals, streams, signal } = invocation;
  if (options.resume === true && options.deep !== true) {
    throw new AssetError('USAGE', '--resume goes with --deep', { hint: 'The listing alone is quick: begin again.' });
  }
  if (options.against !== undefined) return verifyAgainst(invocation, options.against, options);
  const request: VerifyRequest = {
    allOrganizations: options.allOrgs === true,
    deep: options.deep === true,
    resume: options.resume === true,
    repair: options.repair === true,
    ...(globals.backend === undefined ? {} : { backend: globals.backend }),
  };
  const context = await invocation.context();
  if (request.repair) {
    await checkVerification(context, request);
    const choices = { yes: options.yes === true, input: globals.input !== false };
    await confirmOrStop(streams, choices, 'Repair what is found', signal);
  }
  return report(invocation, verify(context, request));
}

async function verifyAgainst(invocation: Invocation, path: string, options: VerifyOptions): Promise<number> {
  if (options.deep === true || options.repair === true || invocation.globals.backend !== undefined) {
    throw new AssetError('USAGE', '--against goes with --all-orgs only', {
      hint: 'It reads every byte that the manifest names, and changes nothing.',
    });
  }
  const context = await invocation.context({ readOnly: true });
  return reportVerdicts(invocation, verifyManifest(context, { path, allOrganizations: options.allOrgs === true }));
}

interface Score {
  checked: number;
  missing: number;
  corrupt: number;
  orphaned: number;
  abandoned: number;
  repaired: number;
  failed: number;
}

async function report(invocation: Invocation, outcomes: AsyncIterable<VerifyOutcome>): Promise<number> {
  const { output, streams, signal } = invocation;
  const progress = startProgress(output, streams);
  const sink = createSink(output, SHAPE, () => progress.clear());
  const score: Score = { checked: 0, missing: 0, corrupt: 0, orphaned: 0, abandoned: 0, repaired: 0, failed: 0 };
  const failures: ErrorCode[] = [];
  let first: FailureRecord | undefined;
  let backendsFailed = 0;
  const fail = async (subject: string, identity: object, failure: FailureRecord, isShown = false) => {
    failures.push(failure.code);
    first ??= failure;
    score.failed += 1;
    // People have read it in the table.
    if (!isShown || output.format !== 'text') await sink.fail(subject, identity, failure);
  };
  try {
    for await (const outcome of outcomes) {
      if (outcome.kind === 'checked') score.checked += outcome.count;
      else if (outcome.kind === 'healed') score.repaired += 1;
      else if (outcome.kind === 'failed') {
        const { backend, storagePath, failure } = outcome;
        if (storagePath === undefined) backendsFailed += 1;
        if (storagePath === undefined) await fail(`backend ${backend}`, { backend }, failure);
        else await fail(storagePath, { id: null, backend, storagePath }, failure);
      } else {
        const { finding } = outcome;
        score[finding.kind] += 1;
        if (finding.repair?.kind === 'repaired') score.repaired += 1;
        await sink.add([finding]);
        const failure = failureOf(finding);
        if (failure !== undefined) await fail(finding.storagePath, { id: finding.objectId }, failure, true);
      }
      progress.update(() => describe(score));
    }
  } finally {
    progress.stop();
  }
  await sink.end({ summary: score });
  if (output.format === 'text' || signal.aborted) output.note(describe(score));
  // A resumed run tells of findings among what was checked before it.
  const total = Math.max(score.checked + backendsFailed, score.failed);
  if (first !== undefined) await tellFailed(output, { first, failed: score.failed, total });
  return batchExitCode(total, failures);
}

/** What is missing or corrupt and stays so decides the exit status; a repair that failed counts for itself. */
function failureOf({ kind, storagePath, detail, repair }: Finding): FailureRecord | undefined {
  if (repair?.kind === 'failed') return repair.failure;
  if (repair?.kind === 'repaired' || (kind !== 'missing' && kind !== 'corrupt')) return undefined;
  return kind === 'missing'
    ? { code: 'BYTES_MISSING', message: `The bytes of ${storagePath} are missing: ${detail}` }
    : { code: 'BYTES_DAMAGED', message: `The bytes of ${storagePath} are not the recorded ones: ${detail}` };
}

function describe({ checked, missing, corrupt, orphaned, abandoned, repaired, failed }: Score): string {
  const parts = [`${checked} checked`, `${missing} missing`, `${corrupt} corrupt`];
  parts.push(`${orphaned} orphaned`, `${abandoned} abandoned`);
  if (repaired > 0) parts.push(`${repaired} repaired`);
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.join(', ');
}

const COLUMNS: readonly Column<Finding>[] = [
  { header: 'FINDING', value: ({ kind }) => kind, width: 9 },
  { header: 'BACKEND', value: ({ backend }) => backend, width: 10, from: 70 },
  { header: 'ASSETS', value: ({ assetIds }) => assetIds.map((id) => id.slice(0, 8)).join(',') || '-', width: 9 },
  { header: 'BYTES', value: ({ bytes }) => formatSize(bytes), width: 8, align: 'right', from: 100 },
  { header: 'REPAIR', value: ({ repair }) => (repair === null ? '-' : repair.kind), width: 8, from: 84 },
  { header: 'PATH AND DETAIL', value: whatAndWhy, width: 30, flexible: true },
];

function whatAndWhy({ storagePath, detail, repair }: Finding): string {
  const done = repair === null ? '' : `; ${repair.kind === 'failed' ? repair.failure.message : repair.how}`;
  return `${storagePath}: ${detail}${done}`;
}

const SHAPE: ItemShape<Finding> = {
  listName: 'findings',
  toJson: ({ objectId, ...finding }) => ({ id: objectId, ...finding }),
  columns: COLUMNS,
};
