import pLimit from 'p-limit';

/** Works on the items several at once and yields the results in the items' order. */
export async function* mapInOrder<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const limit = pLimit(concurrency);
  const results = items.map((item) => limit(() => work(item)));
  // A failure is met at its own turn; until then it must not count as unhandled.
  for (const result of results) result.catch(() => undefined);
  for (const result of results) yield await result;
}

/**
 * Works on items while the next ones are still being fetched, so many at once, and yields the results in the items'
 * order. When it ends early, it waits for what is under way.
 */
export async function* workAhead<Item, Result>(
  items: AsyncIterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const underWay: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // A failure is met at its own turn; until then it must not count as unhandled.
      result.catch(() => undefined);
      underWay.push(result);
      while (underWay.length >= atOnce) yield* await next(underWay);
    }
    while (underWay.length > 0) yield* await next(underWay);
  } finally {
    await Promise.allSettled(underWay);
  }
}

async function next<Result>(underWay: Promise<Result>[]): Promise<Result[]> {
  const first = underWay.shift();
  return first === undefined ? [] : [await first];
}
