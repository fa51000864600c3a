import { expect, it } from 'vitest';
import { inBatches } from '../../src/storage/batches.ts';

it('works on batches, a few at once', async () => {
  const sums = await inBatches([1, 2, 3, 4, 5], 2, 2, async (batch) => [batch.reduce((sum, each) => sum + each)]);
  expect(sums.toSorted((a, b) => a - b)).toEqual([3, 5, 7]);
});

it('begins no other batch after a failure', async () => {
  const begun: number[] = [];
  const work = inBatches([1, 2, 3, 4, 5, 6], 1, 2, async ([item = 0]) => {
    begun.push(item);
    if (item === 1) throw new Error('no');
    await new Promise((resolve) => setImmediate(resolve));
    return [];
  });
  await expect(work).rejects.toThrow('no');
  expect(begun).toEqual([1, 2]);
});
