import pLimit from 'p-limit';

/** Works on the items several at once and yields the results in the items' order; ends as mapAhead does. */
export function mapInOrder<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  return mapAhead(items, { atOnce, ahead: Number.POSITIVE_INFINITY }, work);
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

interface MapAhead {
  atOnce: number;
  /** Results that wait for their turn: an item that takes long holds up no more. */
  ahead: number;
}

/**
 * The same while the next items are still being fetched, which should come soon: results wait for them. If no more can
 * be fetched, it fails with that after the results of those before. When it ends early, it waits for what is under way,
 * and begins no more.
 */
export async function* mapAhead<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  { atOnce, ahead }: MapAhead,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const limit = pLimit(atOnce);
  const results: Promise<Result>[] = [];
  let hasEnded = false;
  const begin = async (item: Item): Promise<Result> => {
    if (hasEnded) throw new Error('nobody waits for it any more');
    return work(item);
  };
  const source = untilFailure(items);
  try {
    for await (const item of source.items) {
      const result = limit(begin, item);
      // A failure is met at its own turn; until then it must not count as unhandled.
      result.catch(() => undefined);
      results.push(result);
      while (results.length >= ahead) yield* await next(results);
    }
    while (results.length > 0) yield* await next(results);
    source.throwIfFailed();
  } finally {
    hasEnded = true;
    await Promise.allSettled(results);
  }
}

/** The items as far as they come, and then what they failed with. */
function untilFailure<Item>(items: AsyncIterable<Item> | Iterable<Item>) {
  let failure: { error: unknown } | undefined;
  return {
    items: (async function* () {
      try {
        yield* items;
      } catch (error) {
        failure = { error };
      }
    })(),
    throwIfFailed() {
      if (failure !== undefined) throw failure.error;
    },
  };
}
