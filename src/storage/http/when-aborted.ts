/** Of each signal, what is under way by it: one signal stops a whole command, and a listener for each costs more. */
const watched = new WeakMap<AbortSignal, Set<(reason: Error) => void>>();

/** @returns what ends the watching */
export function whenAborted(signal: AbortSignal | undefined, abort: (reason: Error) => void): () => void {
  if (signal === undefined) return () => undefined;
  const watchers = watched.get(signal) ?? watch(signal);
  watchers.add(abort);
  return () => watchers.delete(abort);
}

function watch(signal: AbortSignal): Set<(reason: Error) => void> {
  const watchers = new Set<(reason: Error) => void>();
  watched.set(signal, watchers);
  const abortAll = () => {
    for (const abort of watchers) abort(asError(signal.reason));
  };
  signal.addEventListener('abort', abortAll, { once: true });
  return watchers;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
