import { setImmediate } from 'node:timers/promises';

const LONGEST_SLICE_MILLISECONDS = 8;

/** Lets other work run when synchronous calls have held the event loop for a while. */
export function createPacer(): () => Promise<void> | undefined {
  let sliceStarted = performance.now();

  async function pause(): Promise<void> {
    await setImmediate();
    sliceStarted = performance.now();
  }

  return () => (performance.now() - sliceStarted < LONGEST_SLICE_MILLISECONDS ? undefined : pause());
}
