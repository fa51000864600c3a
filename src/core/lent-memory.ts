/** By memory, while it is lent: what takes it back. */
const lent = new WeakMap<ArrayBufferLike, () => void>();

export interface Loan {
  /** Of arbitrary content. */
  memory: Buffer;
  /** Unless it was given back: whoever has the memory keeps it. It counts as out until nobody has it. */
  forget(): void;
  /** By the borrower itself, where nobody else has the memory. Nothing if it was given back, or forgotten. */
  giveBack(): void;
}

/**
 * Lends pieces of memory of one size, which threads share and which are used again: fresh memory of such a size costs
 * more than to fill it.
 * @returns what lends one; undefined while as many as may be are out
 */
export function createLender(size: number, most: number): () => Loan | undefined {
  const free: Buffer[] = [];
  let out = 0;
  /** What was never given back comes to an end with its last user. The collector takes its time: it does not see its size. */
  const lost = new FinalizationRegistry(() => {
    out -= 1;
  });

  function make(): Buffer {
    const memory = Buffer.from(new SharedArrayBuffer(size));
    lost.register(memory.buffer, undefined);
    return memory;
  }

  function lend(memory: Buffer): Loan {
    const takeBack = () => {
      out -= 1;
      free.push(memory);
    };
    out += 1;
    lent.set(memory.buffer, takeBack);
    // It may have been given back, and lent to another.
    const isMine = () => lent.get(memory.buffer) === takeBack;
    return {
      memory,
      forget() {
        if (isMine()) lent.delete(memory.buffer);
      },
      giveBack() {
        if (isMine()) giveBack(memory);
      },
    };
  }

  return () => (out === most ? undefined : lend(free.pop() ?? make()));
}

export function isLent({ buffer }: Uint8Array): boolean {
  return lent.has(buffer);
}

/** By whoever was the last to use a chunk: its memory may now take another. Nothing where it is not lent. */
export function giveBack({ buffer }: Uint8Array): void {
  const takeBack = lent.get(buffer);
  lent.delete(buffer);
  takeBack?.();
}
