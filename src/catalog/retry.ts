import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Runs `attempt` until it succeeds, fails for good, or the time for waiting is over; then the last error is thrown.
 * The pause grows from 2 ms to 50 ms, with jitter, so that many processes take turns.
 */
export async function retryWhile<T>(
  attempt: () => Promise<T> | T,
  isTransient: (error: unknown) => boolean,
  waitMilliseconds: number,
): Promise<T> {
  const deadline = performance.now() + waitMilliseconds;
  for (let count = 0; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error) || performance.now() >= deadline) throw error;
    }
    await sleep(Math.random() * Math.min(50, 2 * 2 ** count) + 1);
  }
}
