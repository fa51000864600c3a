/**
 * One turn of the work at a time. Who asks while a turn is under way shares the next one with all others who do: what
 * they did before they asked, that turn sees.
 */
export function sharedTurns<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;

  function start(): Promise<T> {
    const turn = work().finally(() => {
      running = undefined;
    });
    running = turn;
    return turn;
  }

  async function afterTheOther(other: Promise<T>): Promise<T> {
    // Who waits for that one learns of its failure.
    await other.catch(() => undefined);
    next = undefined;
    return start();
  }

  return () => {
    if (running === undefined) return start();
    next ??= afterTheOther(running);
    return next;
  };
}
