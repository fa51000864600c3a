import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationContext } from '../context.ts';
import { type MoveJob, type MoveOutcome, moveBytes } from '../moving/move-bytes.ts';

/** Small copies are done by then. */
const PATIENCE_MILLISECONDS = 1000;
const LOOK_AGAIN_MILLISECONDS = 100;

/**
 * Moves bytes away from a key that is known outside. Who copies them somewhere else meanwhile, as a migration does, has
 * a moment to end, and has copied for nothing then.
 */
export async function withdrawBytes(context: OperationContext, job: MoveJob): Promise<MoveOutcome> {
  const end = performance.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    const takesOver = performance.now() >= end;
    const outcome = await moveBytes(context, { ...job, takesOver });
    if (outcome.kind === 'moved' || outcome.reason !== 'busy' || takesOver) return outcome;
    await sleep(LOOK_AGAIN_MILLISECONDS);
  }
}
