/** Resolves when there is time for a request in this turn of the event loop, or in a later one. */
export type Turns = () => Promise<void> | undefined;

/**
 * Ends a turn of the event loop after so many milliseconds of requests, in the order in which they came. Node accepts one
 * connection a turn: if hundreds of busy ones made each turn long, new ones would wait for many seconds.
 */
export function createTurns(milliseconds: number): Turns {
  const waiting: (() => void)[] = [];
  let ends: number | undefined;

  /** The turn that begins now lasts until the loop comes round. */
  function beginTurn(now: number): number {
    ends = now + milliseconds;
    setImmediate(endTurn);
    return ends;
  }

  function endTurn(): void {
    ends = undefined;
    if (waiting.length > 0) admit();
  }

  /** One after another, each as far as it comes without waiting. */
  function admit(): void {
    const now = performance.now();
    if (now >= (ends ?? beginTurn(now))) return;
    waiting.shift()?.();
    if (waiting.length > 0) queueMicrotask(admit);
  }

  return () => {
    const now = performance.now();
    if (waiting.length === 0 && now < (ends ?? beginTurn(now))) return undefined;
    return new Promise((resolve) => {
      waiting.push(resolve);
    });
  };
}
