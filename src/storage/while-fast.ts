import { isStorageError } from './storage-error.ts';

export interface Hurry {
  /** In milliseconds, from any moment on. */
  now(): number;
  /**
   * Called once when the body comes slowly.
   * @param at bytes that have come
   * @returns how many are to come at most
   */
  onSlow(at: number): number;
}

/** Where one connection brings so much there is little that several could bring more of. */
const FAST_BYTES_PER_MILLISECOND = 2 ** 28 / 1000;
/** A connection begins slowly, and stutters. */
const GRACE_MILLISECONDS = 100;

/**
 * Passes a body on until it breaks off, or where it is to end once it comes slowly. Only the time that its reader waits
 * for it counts: a reader that is slow itself would gain nothing by another way to the bytes.
 * @returns how many bytes came
 * @throws what the body throws, unless the call may succeed later
 */
export async function* whileFast(
  body: AsyncIterable<Uint8Array>,
  { now, onSlow }: Hurry,
): AsyncGenerator<Uint8Array, number> {
  let at = 0;
  let until = Number.POSITIVE_INFINITY;
  let waited = 0;
  let since = now();
  let isWithReader = false;
  try {
    for await (const piece of body) {
      waited += now() - since;
      const chunk = piece.subarray(0, until - at);
      at += chunk.byteLength;
      isWithReader = true;
      yield chunk;
      isWithReader = false;
      if (at === until) return at;
      const isSlow = waited > GRACE_MILLISECONDS + at / FAST_BYTES_PER_MILLISECOND;
      if (isSlow && until === Number.POSITIVE_INFINITY) until = onSlow(at);
      since = now();
    }
  } catch (error) {
    // What its reader ends it with is no failure of the body.
    if (isWithReader || !isStorageError(error) || !error.retryable) throw error;
  }
  return at;
}
