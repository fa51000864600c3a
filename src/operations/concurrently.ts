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
