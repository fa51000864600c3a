const MEBIBYTE = 1024 * 1024;

/**
 * The largest size in whole MiB that is accepted, by halving; null if `largest` is.
 * `accepts` is asked at most once a step, and is slow only where it agrees.
 */
export async function findLimit(largest: number, accepts: (size: number) => Promise<boolean>): Promise<number | null> {
  if (await accepts(largest)) return null;
  let accepted = 0;
  let refused = Math.ceil(largest / MEBIBYTE);
  while (refused - accepted > 1) {
    const middle = Math.floor((accepted + refused) / 2);
    if (await accepts(middle * MEBIBYTE)) accepted = middle;
    else refused = middle;
  }
  return accepted * MEBIBYTE;
}
