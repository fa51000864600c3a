/** Lets so much work run at once, and less where a store says that it is too much. */
export interface Gate {
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Halves what may run at once; what runs beside it and says so too says nothing new. */
  slower(): void;
  /** A little more again, up to where it began. */
  faster(): void;
}

export function createGate(most: number): Gate {
  const waiting: (() => void)[] = [];
  let allowed = most;
  let running = 0;
  let expected = 0;

  function admit(): void {
    while (running < Math.max(1, Math.floor(allowed))) {
      const next = waiting.shift();
      if (next === undefined) return;
      running += 1;
      next();
    }
  }

  return {
    async run(work) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        admit();
      });
      try {
        return await work();
      } finally {
        running -= 1;
        expected = Math.min(expected, running);
        admit();
      }
    },
    slower() {
      if (expected > 0) {
        expected -= 1;
        return;
      }
      allowed = Math.max(1, allowed / 2);
      expected = Math.max(0, running - 1);
    },
    faster() {
      allowed = Math.min(most, allowed + 1 / allowed);
      admit();
    },
  };
}
