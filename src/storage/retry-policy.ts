import { setTimeout } from 'node:timers/promises';
import { isStorageError, StorageError } from './storage-error.ts';

export interface RetryOptions {
  /** Milliseconds after a call's first failure in which a new attempt may still begin. */
  deadline: number;
  /** Milliseconds; the first pause is between nothing and this. */
  shortestPause?: number;
  /** Milliseconds; no pause is longer, unless the provider asks for it. */
  longestPause?: number;
  /** Between 0 and 1. */
  random?: () => number;
}

/** Of one call. */
export interface RetriedCall {
  signal?: AbortSignal;
  onRetry?: () => void;
}

const SHORTEST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

/**
 * Repeats what fails in a way that may pass: exponential pauses with full jitter, Retry-After
 * honoured, all within one deadline. What is given up is no longer marked as retryable.
 * @param attempt is told the failures so far
 */
export async function retrying<T>(
  options: RetryOptions,
  { signal, onRetry }: RetriedCall,
  attempt: (failures: readonly StorageError[]) => Promise<T>,
): Promise<T> {
  const failures: StorageError[] = [];
  let firstFailure = 0;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt(failures);
    } catch (error) {
      if (!isStorageError(error) || !error.retryable) throw error;
      failures.push(error);
      if (failures.length === 1) firstFailure = performance.now();
      const pause = pauseAfter(failures.length, error, options);
      if (performance.now() - firstFailure + pause > options.deadline) throw givenUp(error, failures.length);
      onRetry?.();
      await setTimeout(pause, undefined, signal === undefined ? {} : { signal }).catch((reason: unknown) => {
        signal?.throwIfAborted();
        throw reason;
      });
    }
  }
}

function pauseAfter(failures: number, error: StorageError, options: RetryOptions): number {
  const ceiling = (options.shortestPause ?? SHORTEST_PAUSE) * 2 ** (failures - 1);
  const pause = (options.random ?? Math.random)() * Math.min(ceiling, options.longestPause ?? LONGEST_PAUSE);
  return Math.max(pause, error.retryAfterMilliseconds ?? 0);
}

function givenUp(error: StorageError, attempts: number): StorageError {
  return new StorageError(error.kind, `${error.message} (given up after ${attempts} attempts)`, {
    backend: error.backend,
    cause: error,
    retryable: false,
    ...(error.key === undefined ? {} : { key: error.key }),
    ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
  });
}
