import { setFlagsFromString } from 'node:v8';

/** From this many items on a run counts as bulk. */
const BULK = 100;

/**
 * Passes the items on, and in bulk keeps V8's young generation at its first size: it would otherwise grow to tens of
 * MiB, which costs memory and, measured on 10,000 uploads, saves no time. Not before, because V8 takes code that the
 * build has compiled only under the flags that it was compiled with.
 */
export async function* withFlatMemory<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  let count = 0;
  for await (const item of items) {
    count += 1;
    if (count === BULK) setFlagsFromString('--semi-space-growth-factor=1');
    yield item;
  }
}

/**
 * For bulk that is made of large batches: keeps the young generation at its first size, in which no batch fits anyway, and
 * has V8 collect the old one whenever it has grown by a fifth. To be called when everything is loaded, before the first
 * batch: after it, it saves less. Measured on a purge of 100,000 assets, with the small page cache: 38 MiB less at the
 * same time.
 */
export function keepHeapSmall(count: number): void {
  if (count < BULK) return;
  for (const flag of ['--semi-space-growth-factor=1', '--heap-growing-percent=20']) setFlagsFromString(flag);
}
