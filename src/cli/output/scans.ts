import type { FoundVerdict } from '../../catalog/catalog.ts';
import { AssetError, type ErrorCode, type FailureRecord } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import type { Treatment } from '../../operations/scan/infected-content.ts';
import type { ScanOutcome } from '../../operations/scan/scan-run.ts';
import type { Invocation } from '../command.ts';
import { batchExitCode } from '../exit-codes.ts';
import { tellFailed } from './batch.ts';
import { renderError } from './errors.ts';
import { startProgress } from './progress.ts';
import { createSink, type ItemShape, type ItemSink } from './sink.ts';
import type { Column } from './table.ts';

/** Content that is infected or could not be judged; what is clean is only counted. */
export interface Finding extends FoundVerdict {
  /** Of content in the catalog. */
  sha256?: string;
  assetIds?: readonly string[];
  /** Of a local file. */
  path?: string;
  /** null: nothing, or not yet. */
  action: 'quarantined' | 'deleted' | null;
}

/** Contents, each once however many assets share it. */
interface Score {
  clean: number;
  infected: number;
  pending: number;
  quarantined: number;
  deleted: number;
  skipped: number;
  bytes: number;
  failed: number;
}

/** What a scan has come to so far. */
interface Run {
  sink: ItemSink<Finding>;
  score: Score;
  codes: ErrorCode[];
  firstFailure: FailureRecord | undefined;
  signatures: Set<string>;
}

const COUNTS = { CLEAN: 'clean', INFECTED: 'infected', PENDING: 'pending' } as const;

/** Shows a scan, its summary even when it breaks off. Returns 7 if a virus was found. */
export async function reportScan(invocation: Invocation, outcomes: AsyncIterable<ScanOutcome>): Promise<number> {
  const { output, streams, signal } = invocation;
  const progress = startProgress(output, streams);
  const run: Run = {
    sink: createSink(output, SHAPE, () => progress.clear()),
    score: { clean: 0, infected: 0, pending: 0, quarantined: 0, deleted: 0, skipped: 0, bytes: 0, failed: 0 },
    codes: [],
    firstFailure: undefined,
    signatures: new Set(),
  };
  let begun = false;
  let fatal: unknown;
  try {
    for await (const outcome of outcomes) {
      begun = true;
      await take(run, outcome);
      progress.update(() => describe(run.score));
    }
  } catch (error) {
    fatal = error;
  } finally {
    progress.stop();
  }
  if (fatal !== undefined && !begun) throw fatal;
  await run.sink.end({ summary: run.score });
  if (output.format === 'text' || signal.aborted) output.note(describe(run.score));
  return end(invocation, run, fatal);
}

async function take(run: Run, outcome: ScanOutcome): Promise<void> {
  if (outcome.kind === 'skipped') run.score.skipped += outcome.count;
  else if (outcome.kind === 'failed') await fail(run, outcome.id, { id: outcome.id }, outcome.failure);
  else {
    const { verdict, sha256, assetIds, treatment } = outcome;
    run.score[COUNTS[verdict.status]] += 1;
    run.score.bytes += outcome.bytes;
    if (verdict.status === 'INFECTED') found(run, verdict);
    if (verdict.status !== 'CLEAN') await run.sink.add([{ ...verdict, sha256, assetIds, action: deedOf(treatment) }]);
    if (treatment?.kind === 'done') run.score[treatment.deed] += 1;
    if (treatment?.kind === 'failed') await fail(run, `content ${sha256}`, { sha256 }, treatment.failure);
  }
}

function found({ codes, signatures }: Run, { result }: FoundVerdict): void {
  codes.push('VIRUS_FOUND');
  signatures.add(result ?? 'unknown signature');
}

async function fail(run: Run, subject: string, identity: object, failure: FailureRecord) {
  run.score.failed += 1;
  run.codes.push(failure.code);
  run.firstFailure ??= failure;
  await run.sink.fail(subject, identity, failure);
}

function deedOf(treatment: Treatment | undefined): Finding['action'] {
  return treatment?.kind === 'done' ? treatment.deed : null;
}

/** A virus goes before whatever else went wrong, but for a bug. */
async function end({ output }: Invocation, run: Run, fatal: unknown): Promise<number> {
  const { score, codes, signatures, firstFailure: first } = run;
  const hides = signatures.size > 0 && fatal instanceof AssetError;
  if (fatal !== undefined && !hides) throw fatal;
  if (hides) output.warn(fatal.message);
  const total = score.clean + score.pending + codes.length;
  if (signatures.size > 0) await tell(output, virusFound([...signatures], score));
  else if (first !== undefined) await tellFailed(output, { first, failed: score.failed, total });
  return batchExitCode(total, codes);
}

async function tell({ err, format, paintError }: Invocation['output'], error: AssetError): Promise<void> {
  await err.write(renderError(error, { json: format !== 'text', verbose: false, paint: paintError }));
}

function virusFound(signatures: readonly string[], score: Score): AssetError {
  const named = `${signatures.slice(0, 3).join(', ')}${signatures.length > 3 ? ', …' : ''}`;
  return new AssetError('VIRUS_FOUND', `${score.infected} infected: ${named}`, {
    hint: whatNext(score),
    details: { signatures },
  });
}

function whatNext({ infected, quarantined, deleted }: Score): string {
  if (quarantined > 0) return 'What is in quarantine is listed with: asset-cli list --status quarantined';
  if (deleted === infected) return 'What was deleted is listed with: asset-cli audit --action deleted';
  return 'It is handed out no more. The next scan or purge-expired takes its bytes away.';
}

/** The verdict on a local file, which is no asset. Without one it is refused where an upload would be. */
export async function reportFile(
  invocation: Invocation,
  finding: Finding,
  bytes: number,
  isRequired: boolean,
): Promise<number> {
  const { output } = invocation;
  const { status, result, path = '' } = finding;
  const name = path === '-' ? 'standard input' : path;
  if (output.format === 'text') await output.out.write(`${status}${result === null ? '' : ` (${result})`}\n`);
  else {
    const sink = createSink<Finding>(output, SHAPE);
    if (status !== 'CLEAN') await sink.add([finding]);
    const count = (of: FoundVerdict['status']) => (status === of ? 1 : 0);
    const summary = { clean: count('CLEAN'), infected: count('INFECTED'), pending: count('PENDING'), bytes, failed: 0 };
    await sink.end({ summary });
  }
  if (status === 'CLEAN' || (status === 'PENDING' && !isRequired)) return batchExitCode(1, []);
  if (status === 'PENDING') {
    await tell(output, notScannable(name, result));
    return batchExitCode(1, ['NOT_SCANNABLE']);
  }
  const error = new AssetError('VIRUS_FOUND', `${name} is infected: ${result ?? 'unknown signature'}`, {
    hint: 'Nothing was stored and nothing was changed.',
    details: { signature: result },
  });
  await tell(output, error);
  return batchExitCode(1, ['VIRUS_FOUND']);
}

function notScannable(name: string, reason: string | null): AssetError {
  return new AssetError('NOT_SCANNABLE', `${name} could not be examined in full: ${reason ?? 'no reason was given'}`, {
    hint: 'See what clamd takes, and what it can be told to: docs/scanning.md',
  });
}

function describe({ clean, infected, pending, quarantined, deleted, skipped, bytes, failed }: Score): string {
  const parts = [`${clean} clean`, `${infected} infected`];
  if (quarantined > 0) parts.push(`${quarantined} in quarantine`);
  if (deleted > 0) parts.push(`${deleted} deleted`);
  if (pending > 0) parts.push(`${pending} not fully examined`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  if (failed > 0) parts.push(`${failed} failed`);
  return `${parts.join(', ')} (${formatSize(bytes)} scanned)`;
}

const COLUMNS: readonly Column<Finding>[] = [
  { header: 'VERDICT', value: ({ status }) => status, width: 8 },
  { header: 'ASSETS', value: ({ assetIds = [] }) => assetIds.map((id) => id.slice(0, 8)).join(',') || '-', width: 17 },
  { header: 'ACTION', value: ({ action }) => action ?? '-', width: 11 },
  { header: 'WHY', value: ({ result }) => result ?? '-', width: 20, flexible: true },
];

const SHAPE: ItemShape<Finding> = {
  listName: 'findings',
  toJson: ({ status, result, ...rest }) => ({
    verdict: status,
    signature: status === 'INFECTED' ? result : null,
    reason: status === 'PENDING' ? result : null,
    ...rest,
  }),
  columns: COLUMNS,
};
