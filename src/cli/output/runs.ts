import type { FailureRecord } from '../../core/errors.ts';
import type { Invocation } from '../command.ts';
import { startBatch } from './batch.ts';
import { startProgress } from './progress.ts';
import { createSink, type ItemShape } from './sink.ts';

/** What an operation yields, seen as one of three: a result to show, an item that failed, or one that was skipped. */
export type RunItem<T> =
  | { item: T }
  /** `subject` names it to people, `identity` to programs. */
  | { subject: string; identity: object; failure: FailureRecord }
  | { subject: string; identity: object; reason: string };

export interface RunReport<Outcome, T> {
  shape: ItemShape<T>;
  /** undefined: a sign of life, no item. */
  toItem: (outcome: Outcome) => RunItem<T> | undefined;
  /** Counts up while the run goes; `failed` is counted here. */
  count: (outcome: Outcome) => void;
  /** The counts as `summary` shows them. */
  summary: (failed: number) => Readonly<Record<string, number | boolean | string>>;
  /** The same in one line for people: so far while it runs, and at the end. */
  describe: (failed: number) => string;
  /** What is shown while it runs, where that says more. */
  progress?: (failed: number) => string;
}

/**
 * Shows the outcomes of a run over many items as they come, its summary even when it breaks off, and
 * returns the exit status of the batch.
 */
export async function reportRun<Outcome, T>(
  { output, streams, signal }: Invocation,
  outcomes: AsyncIterable<Outcome>,
  report: RunReport<Outcome, T>,
): Promise<number> {
  const progress = startProgress(output, streams);
  const show = report.progress ?? report.describe;
  progress.update(() => show(0));
  const sink = createSink(output, report.shape, () => progress.clear());
  const batch = startBatch(output);
  let fatal: unknown;
  let begun = false;
  try {
    for await (const outcome of outcomes) {
      begun = true;
      const entry = report.toItem(outcome);
      if (entry === undefined) {
        progress.update(() => show(batch.failures));
        continue;
      }
      if ('item' in entry) {
        batch.succeeded();
        report.count(outcome);
        await sink.add([entry.item]);
      } else if ('reason' in entry) {
        await sink.skip(entry.subject, entry.identity, entry.reason);
      } else {
        batch.failed(entry.failure);
        await sink.fail(entry.subject, entry.identity, entry.failure);
      }
      progress.update(() => show(batch.failures));
    }
  } catch (error) {
    fatal = error;
  } finally {
    progress.stop();
  }
  if (fatal !== undefined && !begun) throw fatal;
  await sink.end({ summary: report.summary(batch.failures) });
  if (output.format === 'text' || signal.aborted) output.note(report.describe(batch.failures));
  if (fatal !== undefined) throw fatal;
  return batch.end();
}
