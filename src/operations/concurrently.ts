import { atMost } from '../core/at-most.ts';

/** Works on the items several at once and yields the results in the items' order; ends as mapAhead does. */
export function mapInOrder<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  return mapAhead([items], { atOnce, ahead: Number.POSITIVE_INFINITY }, work);
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
 * The same with the items of pages, while the next page is still being fetched, which should come soon: results wait for
 * it. If no more can be fetched, it fails with that after the results of those before. When it ends early, it waits for
 * what is under way, and begins no more.
 */
export async function* mapAhead<Item, Result>(
  pages: AsyncIterable<readonly Item[]> | Iterable<readonly Item[]>,
  { atOnce, ahead }: MapAhead,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const inTurn = atMost(atOnce);
  const results: Promise<Settled<Result>>[] = [];
  const source = untilFailure(pages);
  let hasEnded = false;

  async function settle(item: Item): Promise<Settled<Result>> {
    if (hasEnded) return { error: new Error('nobody waits for it any more') };
    try {
      return { value: await work(item) };
    } catch (error) {
      return { error };
    }
  }

  try {
    for await (const page of source.items) {
      for (const item of page) {
        results.push(inTurn(() => settle(item)));
        const first = results.length < ahead ? undefined : results.shift();
        if (first !== undefined) yield resultOf(await first);
      }
    }
    for (let result = results.shift(); result !== undefined; result = results.shift()) yield resultOf(await result);
    source.throwIfFailed();
  } finally {
    hasEnded = true;
    await Promise.all(results);
  }
}

/** A failure is met at its own turn: until then it must not count as unhandled. */
type Settled<Result> = { value: Result } | { error: unknown };

function resultOf<Result>(settled: Settled<Result>): Result {
  if ('error' in settled) throw settled.error;
  return settled.value;
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
