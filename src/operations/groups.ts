import { setImmediate } from 'node:timers/promises';

/** Gathers single items into groups: those that come while a group is worked on make the next one. */
export interface Groups<Item, Result> {
  add(item: Item): Promise<Result>;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

export interface GroupOptions {
  /** What a group waits for before it is worked on, beside the work on those before it. */
  lingering?: Lingering;
  atOnce?: number;
}

interface Lingering {
  /** As long as each turn of the event loop brings another item, but no longer than this. */
  milliseconds: number;
}

/**
 * `work` gives one result for each item, in the same order; if it throws, each item of the group fails with that.
 * Up to `atOnce` groups are worked on at the same time.
 */
export function createGroups<Item, Result>(
  largest: number,
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
  { lingering, atOnce = 1 }: GroupOptions = {},
): Groups<Item, Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let underWay = 0;
  let isForming = false;

  async function formGroups(): Promise<void> {
    if (isForming) return;
    isForming = true;
    while (waiting.length > 0 && underWay < atOnce) {
      if (lingering !== undefined) await linger(lingering.milliseconds);
      void workOn(waiting.splice(0, largest));
    }
    isForming = false;
  }

  async function workOn(group: readonly Waiting<Item, Result>[]): Promise<void> {
    underWay += 1;
    try {
      const results = await work(group.map(({ item }) => item));
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as Result);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    underWay -= 1;
    await formGroups();
  }

  async function linger(milliseconds: number): Promise<void> {
    const deadline = performance.now() + milliseconds;
    for (let before = 0; before < waiting.length && waiting.length < largest; ) {
      before = waiting.length;
      await setImmediate();
      if (performance.now() >= deadline) return;
    }
  }

  return {
    add(item) {
      const added = new Promise<Result>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
      });
      void formGroups();
      return added;
    },
  };
}
