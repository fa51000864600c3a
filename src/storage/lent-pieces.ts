import type { Loan } from '../core/lent-memory.ts';

/** The memory of a body that comes piece by piece, until its reader has it. */
export interface LentPieces {
  /** undefined if there is no memory now. */
  next(): Buffer | undefined;
  /** The body's chunks, whose loans are told before their reader has them. */
  handedOver(body: AsyncIterable<Uint8Array>, onLoan: (loan: Loan) => void): AsyncGenerator<Uint8Array>;
  /** When the body has closed: nobody reads what it still has. */
  end(): void;
}

export function createLentPieces(lend: () => Loan | undefined): LentPieces {
  const unread = new Map<ArrayBufferLike, Loan>();

  function next(): Buffer | undefined {
    const loan = lend();
    if (loan !== undefined) unread.set(loan.memory.buffer, loan);
    return loan?.memory;
  }

  async function* handedOver(
    body: AsyncIterable<Uint8Array>,
    onLoan: (loan: Loan) => void,
  ): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      const loan = unread.get(chunk.buffer);
      unread.delete(chunk.buffer);
      if (loan !== undefined) onLoan(loan);
      yield chunk;
    }
  }

  function end(): void {
    for (const loan of unread.values()) loan.giveBack();
    unread.clear();
  }

  return { next, handedOver, end };
}
