export interface MemoryBudget {
  /** Works once so many bytes are free; more than there are in all are had by whoever works alone. In order of asking. */
  holding<T>(bytes: number, work: () => Promise<T>): Promise<T>;
}

/** Memory that works at once may hold together, in bytes. */
export function createMemoryBudget(total: number): MemoryBudget {
  const waiting: { bytes: number; start: () => void }[] = [];
  let free = total;

  function startNext(): void {
    for (let [next] = waiting; next !== undefined && next.bytes <= free; [next] = waiting) {
      waiting.shift();
      free -= next.bytes;
      next.start();
    }
  }

  return {
    async holding(wanted, work) {
      const bytes = Math.min(wanted, total);
      await new Promise<void>((start) => {
        waiting.push({ bytes, start });
        startNext();
      });
      try {
        return await work();
      } finally {
        free += bytes;
        startNext();
      }
    },
  };
}
