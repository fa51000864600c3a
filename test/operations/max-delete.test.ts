import { expect, test } from 'vitest';
import { shareOf } from '../../src/operations/removal/max-delete.ts';

test('a share is exact: of 100 assets as many as its percent says', () => {
  const percents = Array.from({ length: 101 }, (_, percent) => percent);
  expect(percents.map((percent) => shareOf(percent, 100))).toEqual(percents);
  expect(percents.map((percent) => shareOf(percent, 10_000_000))).toEqual(percents.map((percent) => percent * 100_000));
  expect([shareOf(0.1, 999), shareOf(0.1, 1000), shareOf(99.999999, 1_000_000), shareOf(33.3, 10)]).toEqual([
    0, 1, 999_999, 3,
  ]);
});
