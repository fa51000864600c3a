/** check: whether the server is well, which comes before all others. The rest take turns. */
export type Kind = 'check' | 'read' | 'write';

/** Resolves when there is time for a request in this turn of the event loop, or in a later one. */
export type Turns = (kind: Kind) => Promise<void> | undefined;

/**
 * Ends a turn of the event loop after so many milliseconds of requests, in the order in which they came among their kind.
 * Node accepts one connection a turn: if hundreds of busy ones made each turn long, new ones would wait for many seconds.
 * Many requests of one kind do not keep those of another waiting behind all of them.
 */
export function createTurns(milliseconds: number): Turns {
  const waiting: Record<Kind, (() => void)[]> = { check: [], read: [], write: [] };
  let isWriteNext = false;
  let ends: number | undefined;

  const isAnyWaiting = (): boolean => waiting.check.length + waiting.read.length + waiting.write.length > 0;

  /** The turn that begins now lasts until the loop comes round. */
  function beginTurn(now: number): number {
    ends = now + milliseconds;
    setImmediate(endTurn);
    return ends;
  }

  function endTurn(): void {
    ends = undefined;
    if (isAnyWaiting()) admit();
  }

  function next(): (() => void) | undefined {
    const [first, second]: readonly [Kind, Kind] = isWriteNext ? ['write', 'read'] : ['read', 'write'];
    isWriteNext = !isWriteNext;
    return waiting.check.shift() ?? waiting[first].shift() ?? waiting[second].shift();
  }

  /** One after another, each as far as it comes without waiting. */
  function admit(): void {
    const now = performance.now();
    if (now >= (ends ?? beginTurn(now))) return;
    next()?.();
    if (isAnyWaiting()) queueMicrotask(admit);
  }

  return (kind) => {
    const now = performance.now();
    if (!isAnyWaiting() && now < (ends ?? beginTurn(now))) return undefined;
    return new Promise((resolve) => {
      waiting[kind].push(resolve);
    });
  };
}
