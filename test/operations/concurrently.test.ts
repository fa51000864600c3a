import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mapAhead } from '../../src/operations/concurrently.ts';

/** Pages of two. */
async function* numbers(count: number): AsyncGenerator<number[]> {
  for (let index = 0; index < count; index += 2) yield index + 1 < count ? [index, index + 1] : [index];
}

test('works on several at once, one slow item before them, and yields in order', async () => {
  let underWay = 0;
  let most = 0;
  let begun = 0;
  let endFirst: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    endFirst = resolve;
  });
  const results = mapAhead(numbers(40), { atOnce: 3, ahead: 20 }, async (item) => {
    begun += 1;
    underWay += 1;
    most = Math.max(most, underWay);
    if (item === 0) await first;
    else await setImmediate();
    underWay -= 1;
    return item;
  });
  const result = results.next();
  await expect.poll(() => begun).toBe(20);
  endFirst();
  const rest: number[] = [];
  expect((await result).value).toBe(0);
  for await (const item of results) rest.push(item);
  expect(rest).toEqual(Array.from({ length: 39 }, (_, index) => index + 1));
  expect(most).toBe(3);
});

test('a failure comes at its own turn', async () => {
  const results = mapAhead(numbers(3), { atOnce: 3, ahead: 3 }, async (item) => {
    if (item === 1) throw new Error('this one');
    return item;
  });
  expect((await results.next()).value).toBe(0);
  await expect(results.next()).rejects.toThrow('this one');
});

test('when nobody wants more, it waits for what is under way and begins nothing', async () => {
  const begun: number[] = [];
  const done: number[] = [];
  for await (const _ of mapAhead(numbers(100), { atOnce: 4, ahead: 50 }, async (item) => {
    begun.push(item);
    if (item > 0) for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    done.push(item);
  })) {
    break;
  }
  expect(done.toSorted()).toEqual(begun.toSorted());
  expect(begun.length).toBeLessThanOrEqual(5);
});

test('what can no longer be fetched is told after the results of what was', async () => {
  async function* pages(): AsyncGenerator<number[]> {
    yield* numbers(3);
    throw new Error('the next page');
  }
  const results: number[] = [];
  const reading = (async () => {
    for await (const item of mapAhead(pages(), { atOnce: 2, ahead: 10 }, async (each) => each)) results.push(item);
  })();
  await expect(reading).rejects.toThrow('the next page');
  expect(results).toEqual([0, 1, 2]);
});
