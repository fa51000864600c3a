import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createMemoryBudget } from '../../../src/content/images/memory-budget.ts';
import fc from '../../support/property.ts';

const TOTAL = 100;

test('never more is held than there is, unless by one alone, and everything is worked on in turn', async () => {
  const jobs = fc.array(fc.record({ bytes: fc.nat(2 * TOTAL), turns: fc.nat(4), fails: fc.boolean() }), {
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(jobs, async (all) => {
      const budget = createMemoryBudget(TOTAL);
      const held: number[] = [];
      const begun: number[] = [];
      const work = all.map(({ bytes, turns, fails }, index) =>
        budget.holding(bytes, async () => {
          held.push(bytes);
          begun.push(index);
          const sum = held.reduce((total, each) => total + each, 0);
          expect(sum <= TOTAL || held.filter((each) => each > 0).length === 1).toBe(true);
          for (let turn = 0; turn < turns; turn += 1) await nextTurn();
          held.splice(held.indexOf(bytes), 1);
          if (fails) throw new Error('failed');
          return index;
        }),
      );
      const results = await Promise.allSettled(work);
      expect(results.map(({ status }) => status === 'rejected')).toEqual(all.map(({ fails }) => fails));
      expect(begun).toEqual(all.map((_, index) => index));
    }),
  );
});
