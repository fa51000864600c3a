/**
 * Does the work at the first call and gives its promise at every later one. Work that failed is done
 * again at the next call, so that a long-lived program survives a short outage.
 */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => {
    if (done !== undefined) return done;
    const attempt = work();
    done = attempt;
    attempt.catch(() => {
      done = undefined;
    });
    return attempt;
  };
}
