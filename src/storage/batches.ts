/** Runs `work` on slices of the items, a few at once; after a failure none is begun, and it ends when all have come to rest. */
export async function inBatches<T, R>(
  items: readonly T[],
  size: number,
  atOnce: number,
  work: (batch: readonly T[]) => Promise<R[]>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  async function runner(): Promise<void> {
    while (next < items.length) {
      const batch = items.slice(next, next + size);
      next += size;
      try {
        results.push(...(await work(batch)));
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  }
  const runners = await Promise.allSettled(Array.from({ length: atOnce }, runner));
  for (const runner of runners) {
    if (runner.status === 'rejected') throw runner.reason;
  }
  return results;
}
