import { setMaxListeners } from 'node:events';

/** What is under way when the user stops gets this long to finish or to be undone. */
const GRACE_MILLISECONDS = 8000;

const gracePeriods = new WeakMap<AbortSignal, AbortSignal>();

/** A signal that aborts a while after the given one: for work that is better finished than cut. */
export function gracePeriod(signal: AbortSignal): AbortSignal {
  const known = gracePeriods.get(signal);
  if (known !== undefined) return known;
  const controller = new AbortController();
  const abortLater = () => {
    setTimeout(() => controller.abort(signal.reason), GRACE_MILLISECONDS).unref();
  };
  if (signal.aborted) abortLater();
  else signal.addEventListener('abort', abortLater, { once: true });
  // Any number of calls listen to it at once; Node would warn of a leak.
  setMaxListeners(0, controller.signal);
  gracePeriods.set(signal, controller.signal);
  return controller.signal;
}
