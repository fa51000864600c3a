import { setTimeout as sleep } from 'node:timers/promises';

/** Pauses shorter than this are gathered: timers cost more than they are worth. */
const SHORTEST_PAUSE_MILLISECONDS = 5;
/** What is lost by waking up late, as timers do and busy programs even more, is made up for, if it is no more than this. */
const LATEST_MILLISECONDS = 50;

/**
 * Makes everyone who asks wait so long that together they do not pass on more than so many bytes a second; if the signal
 * aborts meanwhile, it rejects with its reason.
 */
export function createBandwidth(bytesPerSecond: number, signal: AbortSignal): (bytes: number) => Promise<void> {
  let freeAt = performance.now();
  return async (bytes) => {
    const now = performance.now();
    freeAt = Math.max(freeAt, now - LATEST_MILLISECONDS) + (bytes / bytesPerSecond) * 1000;
    const pause = freeAt - now;
    if (pause < SHORTEST_PAUSE_MILLISECONDS) return;
    await sleep(pause, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  };
}
