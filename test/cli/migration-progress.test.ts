import { expect, test } from 'vitest';
import { describeProgress } from '../../src/cli/output/migration-progress.ts';

const MIB = 2 ** 20;
const HALF_WAY = {
  expected: { count: 1000, bytes: 400 * MIB },
  moved: 100,
  settled: 0,
  bytes: 200 * MIB,
  failed: 0,
  awaited: 0,
  seconds: 100,
};

test('is a share of the bytes, not of the assets, with the time that is left', () => {
  expect(describeProgress(HALF_WAY, 120)).toBe(
    '██████████░░░░░░░░░░ 50% 100/1000 assets, 200 MiB of 400 MiB, 2.0 MiB/s, 2 min left',
  );
});

test.each([
  [80, '████░░░░ 50% 100/1000 assets, 200 MiB of 400 MiB, 2.0 MiB/s, 2 min left'],
  [60, '████░░░░ 50% 100/1000 assets, 2 min left'],
])('fits into a terminal of %i columns', (columns, text) => {
  expect(describeProgress(HALF_WAY, columns)).toBe(text);
  expect(text.length).toBeLessThan(columns - 2);
});

test('has no bar where no terminal is, and names failures', () => {
  const text = describeProgress({ ...HALF_WAY, settled: 200, failed: 200, bytes: 100 * MIB }, undefined);
  expect(text).toBe('45% 300/1000 assets, 100 MiB of 400 MiB, 1.0 MiB/s, 3 min left, 200 failed');
});

test('says for what it waits', () => {
  const text = describeProgress({ ...HALF_WAY, awaited: 40 }, undefined);
  expect(text).toBe(
    '50% 100/1000 assets, 200 MiB of 400 MiB, 2.0 MiB/s, 2 min left, waiting for what another run holds: 40 objects',
  );
});

test('says what it knows where it is not told how much there is', () => {
  const unknown = { ...HALF_WAY, expected: { count: 0, bytes: 0 } };
  expect(describeProgress(unknown, 120)).toBe('100 assets, 200 MiB, 2.0 MiB/s');
});

test('of nothing but empty content goes by the assets', () => {
  expect(describeProgress({ ...HALF_WAY, expected: { count: 400, bytes: 0 }, bytes: 0 }, undefined)).toMatch(/^25% /);
});
