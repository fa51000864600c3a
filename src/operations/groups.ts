/** Gathers single items into groups: those that come while a group is worked on make the next one. */
export interface Groups<Item, Result> {
  add(item: Item): Promise<Result>;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/** `work` gives one result for each item, in the same order; if it throws, each item of the group fails with that. */
export function createGroups<Item, Result>(
  largest: number,
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
): Groups<Item, Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let working = false;

  async function workAll(): Promise<void> {
    working = true;
    while (waiting.length > 0) {
      const group = waiting.splice(0, largest);
      try {
        const results = await work(group.map(({ item }) => item));
        for (const [index, { resolve }] of group.entries()) resolve(results[index] as Result);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    working = false;
  }

  return {
    add(item) {
      const added = new Promise<Result>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
      });
      if (!working) void workAll();
      return added;
    },
  };
}
