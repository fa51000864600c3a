import { AssetError, type ErrorCode, type FailureRecord } from '../../core/errors.ts';
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
      const json = output.format === 'json' || output.format === 'jsonl';
      if (first !== undefined && json) {
        const error = total === 1 ? toError(first) : someFailed(codes.length, total);
        await output.err.write(renderError(error, { json, verbose: false, paint: output.paintError }));
      }
      return batchExitCode(total, codes);
    },
  };
}

function toError({ code, message, hint, signature }: FailureRecord): AssetError {
  return new AssetError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(signature === undefined ? {} : { details: { signature } }),
  });
}

function someFailed(failed: number, total: number): AssetError {
  return new AssetError('SOME_FAILED', `${failed} of ${total} failed`, {
    hint: 'Each is named with its own code under "failed".',
    details: { failed, total },
  });
}
