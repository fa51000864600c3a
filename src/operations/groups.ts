import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

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
  /** No longer than this. */
  milliseconds: number;
  /** As long as that is so; without it, as long as each turn of the event loop brings another item. */
  while?: () => boolean;
}

const LOOK_AGAIN_MILLISECONDS = 5;

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
      if (lingering !== undefined) await linger(lingering);
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

  async function linger({ milliseconds, while: goesOn }: Lingering): Promise<void> {
    const deadline = performance.now() + milliseconds;
    if (goesOn !== undefined) {
      while (goesOn() && waiting.length < largest && performance.now() < deadline) await sleep(LOOK_AGAIN_MILLISECONDS);
      return;
    }
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
