import { asError } from '../../core/errors.ts';

interface Watch {
  readonly watchers: Set<(reason: Error) => void>;
  end(): void;
}

/** Of each signal, what is under way by it: one signal stops a whole command, and a listener for each costs more. */
const watched = new WeakMap<AbortSignal, Watch>();

/** @returns what ends the watching */
export function whenAborted(signal: AbortSignal | undefined, abort: (reason: Error) => void): () => void {
  if (signal === undefined) return () => undefined;
  const { watchers, end } = watched.get(signal) ?? watch(signal);
  watchers.add(abort);
  return () => {
    // A signal that depends on others is kept by them for as long as it is listened to.
    if (watchers.delete(abort) && watchers.size === 0) end();
  };
}

function watch(signal: AbortSignal): Watch {
  const watchers = new Set<(reason: Error) => void>();
  const abortAll = () => {
    for (const abort of watchers) abort(asError(signal.reason));
  };
  signal.addEventListener('abort', abortAll, { once: true });
  const end = () => {
    signal.removeEventListener('abort', abortAll);
    watched.delete(signal);
  };
  const begun = { watchers, end };
  watched.set(signal, begun);
  return begun;
}
