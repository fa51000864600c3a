import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createGroups } from '../../src/operations/groups.ts';

const double = async (items: readonly number[]) => items.map((item) => item * 2);

function recording(sizes: number[]) {
  return (items: readonly number[]) => {
    sizes.push(items.length);
    return double(items);
  };
}

test('each item gets its own result, whatever group it was in', async () => {
  const groups = createGroups(3, double);
  const items = Array.from({ length: 20 }, (_, index) => index);
  expect(await Promise.all(items.map((item) => groups.add(item)))).toEqual(items.map((item) => item * 2));
});

test('a group that lingers takes what comes in the next turns too', async () => {
  const sizes: number[] = [];
  const groups = createGroups(100, recording(sizes), { lingering: { milliseconds: 1000 } });
  const added = [groups.add(1)];
  for (let turn = 0; turn < 5; turn += 1) {
    added.push(groups.add(turn));
    await setImmediate();
  }
  await Promise.all(added);
  expect(sizes[0]).toBeGreaterThan(2);
});

test('it lingers no longer than it takes to be full, or than it may', async () => {
  const sizes: number[] = [];
  const groups = createGroups(4, recording(sizes), { lingering: { milliseconds: 1000 } });
  await Promise.all([1, 2, 3, 4, 5].map((item) => groups.add(item)));
  expect(sizes).toEqual([4, 1]);
  const brief = createGroups(100, recording(sizes), { lingering: { milliseconds: 0 } });
  expect(await brief.add(7)).toBe(14);
});

test('it lingers while it is told that more will come, and no longer', async () => {
  const sizes: number[] = [];
  let isMoreToCome = true;
  const groups = createGroups(100, recording(sizes), {
    lingering: { milliseconds: 60_000, while: () => isMoreToCome },
  });
  const first = groups.add(1);
  await sleep(30);
  const second = groups.add(2);
  expect(sizes).toEqual([]);
  isMoreToCome = false;
  expect(await Promise.all([first, second])).toEqual([2, 4]);
  expect(sizes).toEqual([2]);
});

test('a group that fails fails its items alone', async () => {
  const groups = createGroups<number, number>(2, async (items) => {
    if (items.includes(1)) throw new Error('one of them');
    return double(items);
  });
  const results = await Promise.allSettled([0, 1, 2, 3].map((item) => groups.add(item)));
  expect(results.filter(({ status }) => status === 'rejected').length).toBeLessThan(4);
  expect(results[3]).toEqual({ status: 'fulfilled', value: 6 });
});

test('as many groups as may be are worked on at once, and no more', async () => {
  let underWay = 0;
  let most = 0;
  const slow = async (items: readonly number[]) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await setImmediate();
    underWay -= 1;
    return double(items);
  };
  const groups = createGroups(2, slow, { atOnce: 3 });
  const items = Array.from({ length: 20 }, (_, index) => index);
  expect(await Promise.all(items.map((item) => groups.add(item)))).toEqual(items.map((item) => item * 2));
  expect(most).toBe(3);
});
