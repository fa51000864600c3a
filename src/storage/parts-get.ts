import { Readable } from 'node:stream';
import { createLender, type Loan } from '../core/lent-memory.ts';
import { chunksInMemory } from '../core/memory-readable.ts';
import type { StorageKey } from '../core/storage-key.ts';
import type { GetOptions, OpenedObject, StorageBackend } from './backend.ts';
import { getResuming } from './resuming-get.ts';
import type { RetryOptions } from './retry-policy.ts';

export type GetObject = (key: StorageKey, options: GetOptions) => Promise<OpenedObject>;

const PART_BYTES = 4 * 2 ** 20;
const SLICE = 2 ** 20;
/** Parts of one object that are fetched ahead of the one that is read. */
const AHEAD = 4;
/** Parts in memory, by all reads of a backend together. A part that finds none is read as it comes: it never waits. */
const MOST_HELD = 4;
/** The same where readers may hold them too. */
const MOST_LENT = 12;

/** A part that is being fetched, and the memory for it. */
interface Fetch {
  opened: Promise<OpenedObject>;
  loan: Loan;
}

/**
 * A get that reads an object whose size the caller knows, and that is large, in several ranges at once: one connection
 * carries less than a store and a line can. The body is in order, of one version, and resumed like any other.
 */
export function gettingInParts(backend: StorageBackend, retry: RetryOptions): GetObject {
  const lend = createLender(PART_BYTES, MOST_LENT);
  const handOut = createKeeping(MOST_HELD);

  return async (key, options) => {
    const { size = 0, range, lends = false, ...call } = options;
    if (backend.features.readsInParts !== true || range !== undefined || size <= 2 * PART_BYTES) {
      return getResuming(backend, retry, key, options);
    }
    const stop = new AbortController();
    const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
    const loans = new Set<Loan>();
    const begun = lends ? fetchPart(0, call) : undefined;
    const first = await (begun?.opened ?? getPart(0, call)).catch(forgetting);
    const { object } = first;
    const count = Math.ceil(object.size / PART_BYTES);
    const sameVersion: GetOptions = { ...call, ifMatch: object.etag };

    function getPart(index: number, partOptions: GetOptions): Promise<OpenedObject> {
      const start = index * PART_BYTES;
      const part = { start, end: start + PART_BYTES - 1 };
      return getResuming(backend, retry, key, { ...partOptions, signal, range: part });
    }

    /** undefined if there is no memory for it now. */
    function fetchPart(index: number, partOptions: GetOptions): Fetch | undefined {
      const loan = lends ? lend() : handOut();
      if (loan === undefined) return undefined;
      loans.add(loan);
      const opened = getPart(index, { ...partOptions, into: loan.memory });
      // A failure is met at its own turn; until then it must not count as unhandled.
      opened.catch(() => undefined);
      return { opened, loan };
    }

    async function* chunks(): AsyncGenerator<Uint8Array> {
      const ahead: Fetch[] = [];
      try {
        for (let index = 0; index < count; index += 1) {
          const fetched = index === 0 ? begun : ahead.shift();
          while (ahead.length < AHEAD && index + ahead.length + 1 < count) {
            const next = fetchPart(index + ahead.length + 1, sameVersion);
            if (next === undefined) break;
            ahead.push(next);
          }
          if (fetched !== undefined) yield* take(fetched);
          else yield* index === 0 ? first.body : (await getPart(index, sameVersion)).body;
        }
      } finally {
        stop.abort();
        forgetAll();
      }
    }

    async function* take({ opened, loan }: Fetch): AsyncGenerator<Uint8Array> {
      const { body } = await opened;
      // What is lent comes in one piece, as it is given back.
      if (lends) return yield* chunksInMemory(body) ?? body;
      loan.forget();
      loans.delete(loan);
      yield* inSlices(chunksInMemory(body) ?? (await body.toArray()));
    }

    /** What its reader did not give back may still be in use. */
    function forgetAll(): void {
      for (const loan of loans) loan.forget();
    }

    function forgetting(error: unknown): never {
      forgetAll();
      throw error;
    }

    // Chunk by chunk: a stream of bytes would join what it holds.
    const body = Readable.from(chunks(), { highWaterMark: 1 });
    // A body that is dropped unread never starts its generator.
    body.once('close', () => {
      first.body.destroy();
      forgetAll();
    });
    return { object, body };
  };
}

/** Memory that is the reader's own in the end; so much of it at once before a reader has it. */
function createKeeping(most: number): () => Loan | undefined {
  let out = 0;
  return () => {
    if (out === most) return undefined;
    out += 1;
    let isOut = true;
    return {
      memory: Buffer.allocUnsafeSlow(PART_BYTES),
      forget() {
        if (isOut) out -= 1;
        isOut = false;
      },
    };
  };
}

/** A reader works on the bytes of one slice while others have their turn. */
function* inSlices(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; start += SLICE) yield chunk.subarray(start, start + SLICE);
  }
}
