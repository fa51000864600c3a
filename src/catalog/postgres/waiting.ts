import { setTimeout as sleep } from 'node:timers/promises';
import type { Connections } from './connections.ts';
import { isConflict, isLost } from './errors.ts';

/** Milliseconds for a question that only asks whether the server answers. */
export const SHORTEST_QUESTION = 1000;

export interface Waiting {
  /** Repeats what failed by a conflict, or because the server was away, until the end, which it tells the work. */
  untilDeadline<T>(work: (end: number) => Promise<T>, deadline: number): Promise<T>;
}

/**
 * One end of waiting for all that is asked of a server while it is away: whatever comes after it fails at once,
 * until the server answers again.
 */
export function createWaiting(connections: Connections, outageDeadline: number): Waiting {
  let outageEnd: number | undefined;
  let question: Promise<unknown> | undefined;

  /** One question for all that wait for it. */
  function expectAnswer(): Promise<unknown> {
    question ??= within(SHORTEST_QUESTION, connections.query('select 1')).finally(() => {
      question = undefined;
    });
    return question;
  }

  async function tryOnce<T>(work: (end: number) => Promise<T>, end: number): Promise<T> {
    const start = performance.now();
    if (outageEnd !== undefined && start >= outageEnd) await expectAnswer();
    try {
      const result = await work(end);
      outageEnd = undefined;
      return result;
    } catch (error) {
      if (isLost(error)) outageEnd ??= start + outageDeadline;
      throw error;
    }
  }

  return {
    async untilDeadline(work, deadline) {
      const end = performance.now() + deadline;
      for (let count = 0; ; count += 1) {
        try {
          return await tryOnce(work, end);
        } catch (error) {
          const mayRepeat = isConflict(error) || isLost(error);
          const last = isLost(error) ? Math.min(end, outageEnd ?? end) : end;
          if (!mayRepeat || performance.now() >= last) throw error;
        }
        await sleep(Math.random() * Math.min(1000, 10 * 2 ** count) + 5);
      }
    },
  };
}

/** What is given up is not waited for; its failure is nobody's any more. */
export async function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  answer.catch(() => undefined);
  const timer = new AbortController();
  const late = sleep(milliseconds, undefined, { signal: timer.signal }).then(() => {
    throw new Error('Query read timeout');
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    timer.abort();
  }
}
