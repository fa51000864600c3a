import { AssetError, type ErrorCode, errorOf, type FailureRecord } from '../../core/errors.ts';
import { batchExitCode } from '../exit-codes.ts';
import { renderError } from './errors.ts';
import type { Output } from './output.ts';

/** Keeps the score of a run over several items, for the exit status and the last word on stderr. */
export interface Batch {
  succeeded(): void;
  failed(failure: FailureRecord): void;
  readonly failures: number;
  /** Says how it ended, where the items' own lines have not, and returns the exit status. */
  end(): Promise<number>;
}

export function startBatch(output: Output): Batch {
  let total = 0;
  let first: FailureRecord | undefined;
  const codes: ErrorCode[] = [];
  return {
    succeeded() {
      total += 1;
    },
    failed(failure) {
      total += 1;
      first ??= failure;
      codes.push(failure.code);
    },
    get failures() {
      return codes.length;
    },
    async end() {
      if (first !== undefined) await tellFailed(output, { first, failed: codes.length, total });
      return batchExitCode(total, codes);
    },
  };
}

/** To programs alone: people have read of each already. */
export async function tellFailed(
  { format, err, paintError: paint }: Output,
  { first, failed, total }: { first: FailureRecord; failed: number; total: number },
): Promise<void> {
  if (format !== 'json' && format !== 'jsonl') return;
  const error = total === 1 ? errorOf(first) : someFailed(failed, total);
  await err.write(renderError(error, { json: true, verbose: false, paint }));
}

function someFailed(failed: number, total: number): AssetError {
  return new AssetError('SOME_FAILED', `${failed} of ${total} failed`, {
    hint: 'Each is named with its own code under "failed".',
    details: { failed, total },
  });
}
