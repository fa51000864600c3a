import { setFlagsFromString } from 'node:v8';

/** From this many items on a run counts as bulk. */
const BULK = 100;

/**
 * Passes the items on, and in bulk keeps V8's young generation at its first size: it would otherwise grow to tens of
 * MiB, which costs memory and, measured on 10,000 uploads, saves no time. Not before, because V8 takes code that the
 * build has compiled only under the flags that it was compiled with.
 */
export function withFlatMemory<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  return inBulk(items, '--semi-space-growth-factor=1');
}

/**
 * Passes the items on, and in bulk has V8 collect the old generation whenever it has grown by a fifth: what belongs to
 * a large batch dies there, and what lives on is little and soon looked at. Measured on a purge of 100,000 assets: 10
 * to 20 MiB less at the same time.
 */
export function withSmallHeap<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  return inBulk(items, '--heap-growing-percent=20');
}

async function* inBulk<Item>(items: AsyncIterable<Item>, flag: string): AsyncGenerator<Item> {
  let count = 0;
  for await (const item of items) {
    count += 1;
    if (count === BULK) setFlagsFromString(flag);
    yield item;
  }
}
