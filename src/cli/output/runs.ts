import type { FailureRecord } from '../../core/errors.ts';
import type { Invocation } from '../command.ts';
import { startBatch } from './batch.ts';
import { startProgress } from './progress.ts';
import { createSink, type ItemShape } from './sink.ts';

/** What an operation yields, seen as one of two: a result to show, or an item that failed. */
export type RunItem<T> =
  | { item: T }
  /** `subject` names it to people, `identity` to programs. */
  | { subject: string; identity: object; failure: FailureRecord };

export interface RunReport<Outcome, T> {
  shape: ItemShape<T>;
  toItem: (outcome: Outcome) => RunItem<T>;
  /** Counts up while the run goes; `failed` is counted here. */
  count: (outcome: Outcome) => void;
  /** The counts as `summary` shows them. */
  summary: (failed: number) => Readonly<Record<string, number | boolean>>;
  /** The same in one line for people: so far while it runs, and at the end. */
  describe: (failed: number) => string;
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
  progress.update(report.describe(0));
  const sink = createSink(output, report.shape, () => progress.clear());
  const batch = startBatch(output);
  let fatal: unknown;
  let begun = false;
  try {
    for await (const outcome of outcomes) {
      begun = true;
      const entry = report.toItem(outcome);
      if ('item' in entry) {
        batch.succeeded();
        report.count(outcome);
        await sink.add([entry.item]);
      } else {
        batch.failed(entry.failure);
        await sink.fail(entry.subject, entry.identity, entry.failure);
      }
      progress.update(report.describe(batch.failures));
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
