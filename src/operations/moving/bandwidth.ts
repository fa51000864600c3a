import { setTimeout as sleep } from 'node:timers/promises';

/** Pauses shorter than this are gathered: timers cost more than they are worth. */
const SHORTEST_PAUSE_MILLISECONDS = 5;

/** Makes everyone who asks wait so long that together they do not pass on more than so many bytes a second. */
export function createBandwidth(bytesPerSecond: number): (bytes: number) => Promise<void> | undefined {
  let freeAt = performance.now();
  return (bytes) => {
    const now = performance.now();
    freeAt = Math.max(freeAt, now) + (bytes / bytesPerSecond) * 1000;
    const pause = freeAt - now;
    return pause < SHORTEST_PAUSE_MILLISECONDS ? undefined : sleep(pause);
  };
}
