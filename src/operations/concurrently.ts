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
  const turns = inTurn(atOnce, work);
  const results: Promise<Settled<Result>>[] = [];
  const source = untilFailure(pages);
  try {
    for await (const page of source.items) {
      for (const item of page) {
        results.push(turns.begin(item));
        const first = results.length < ahead ? undefined : results.shift();
        if (first !== undefined) yield resultOf(await first);
      }
    }
    for (let result = results.shift(); result !== undefined; result = results.shift()) yield resultOf(await result);
    source.throwIfFailed();
  } finally {
    turns.end();
    await Promise.all(results);
  }
}

/** A failure is met at its own turn: until then it must not count as unhandled. */
type Settled<Result> = { value: Result } | { error: unknown };

function resultOf<Result>(settled: Settled<Result>): Result {
  if ('error' in settled) throw settled.error;
  return settled.value;
}

/** Works on so many items at once, in their order. With thousands of small ones p-limit takes a tenth of all the time. */
function inTurn<Item, Result>(most: number, work: (item: Item) => Promise<Result>) {
  const waiting: { item: Item; settle: (settled: Settled<Result>) => void }[] = [];
  let underWay = 0;

  function begin(item: Item): Promise<Settled<Result>> {
    return new Promise((settle) => {
      if (underWay < most) start(item, settle);
      else waiting.push({ item, settle });
    });
  }

  function start(item: Item, settle: (settled: Settled<Result>) => void): void {
    underWay += 1;
    const done = (settled: Settled<Result>) => {
      underWay -= 1;
      settle(settled);
      const next = waiting.shift();
      if (next !== undefined) start(next.item, next.settle);
    };
    work(item).then(
      (value) => done({ value }),
      (error: unknown) => done({ error }),
    );
  }

  /** Begins no more. */
  function end(): void {
    for (const { settle } of waiting.splice(0)) settle({ error: new Error('nobody waits for it any more') });
  }

  return { begin, end };
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
