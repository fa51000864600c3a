import { Readable } from 'node:stream';
import { createLender, type Loan } from '../core/lent-memory.ts';
import { chunksInMemory } from '../core/memory-readable.ts';
import type { StorageKey } from '../core/storage-key.ts';
import type { GetOptions, OpenedObject, StorageBackend } from './backend.ts';
import { getResuming } from './resuming-get.ts';
import type { RetryOptions } from './retry-policy.ts';

export type GetObject = (key: StorageKey, options: GetOptions) => Promise<OpenedObject>;

interface PartMemory {
  /** Larger objects are read in parts. */
  above: number;
  /** Of one part. */
  bytes: number;
  /** Parts of one object that are fetched ahead of the one that is read. */
  ahead: number;
  /** Parts in memory, by all reads of a backend together. A part that finds none is read as it comes: it never waits. */
  most: number;
}

const MIB = 2 ** 20;
const KEPT: PartMemory = { above: 8 * MIB, bytes: 4 * MIB, ahead: 4, most: 4 };
/** Its readers hold it for a while, also while they send it. Larger: each range costs a store something. */
const LENT: Readonly<Record<'small' | 'large', PartMemory>> = {
  small: { above: 16 * MIB, bytes: 8 * MIB, ahead: 2, most: 14 },
  large: { above: 16 * MIB, bytes: 16 * MIB, ahead: 2, most: 6 },
};
const SLICE = MIB;

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
  const lenders = {
    small: createLender(LENT.small.bytes, LENT.small.most),
    large: createLender(LENT.large.bytes, LENT.large.most),
  };
  const handOut = createKeeping(KEPT);

  async function getInParts(key: StorageKey, options: GetOptions, memory: PartMemory): Promise<OpenedObject> {
    const { size: _, range: __, lends, ...call } = options;
    const { bytes, ahead: mostAhead } = memory;
    const lend = lends === undefined ? handOut : lenders[lends];
    const stop = new AbortController();
    const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
    const untaken = new Set<Fetch>();
    const taken = new Set<Loan>();
    const begun = lends === undefined ? undefined : fetchPart(0, call);
    const first = await (begun?.opened ?? getPart(0, call)).catch(endingAll);
    const { object } = first;
    const count = Math.ceil(object.size / bytes);
    const sameVersion: GetOptions = { ...call, ifMatch: object.etag };

    function getPart(index: number, partOptions: GetOptions): Promise<OpenedObject> {
      const start = index * bytes;
      const part = { start, end: start + bytes - 1 };
      return getResuming(backend, retry, key, { ...partOptions, signal, range: part });
    }

    /** undefined if there is no memory for it now. */
    function fetchPart(index: number, partOptions: GetOptions): Fetch | undefined {
      const loan = lend();
      if (loan === undefined) return undefined;
      const fetch = { opened: getPart(index, { ...partOptions, into: loan.memory }), loan };
      // A failure is met at its own turn; until then it must not count as unhandled.
      fetch.opened.catch(() => undefined);
      untaken.add(fetch);
      return fetch;
    }

    async function* chunks(): AsyncGenerator<Uint8Array> {
      const ahead: Fetch[] = [];
      try {
        for (let index = 0; index < count; index += 1) {
          const fetched = index === 0 ? begun : ahead.shift();
          while (ahead.length < mostAhead && index + ahead.length + 1 < count) {
            const next = fetchPart(index + ahead.length + 1, sameVersion);
            if (next === undefined) break;
            ahead.push(next);
          }
          if (fetched !== undefined) yield* take(fetched);
          else yield* index === 0 ? first.body : (await getPart(index, sameVersion)).body;
        }
        // The last parts are with their reader, who gives them back.
        taken.clear();
      } finally {
        endAll();
      }
    }

    async function* take(fetch: Fetch): AsyncGenerator<Uint8Array> {
      const { loan } = fetch;
      const { body } = await fetch.opened;
      const held = chunksInMemory(body);
      // The body was closed meanwhile.
      if (!untaken.delete(fetch)) throw stop.signal.reason;
      if (lends !== undefined) {
        // An answer of another length than was asked for is not in this memory.
        if (held?.[0]?.buffer === loan.memory.buffer) taken.add(loan);
        else loan.giveBack();
        // What is lent comes in one piece, as it is given back.
        return yield* held ?? body;
      }
      loan.forget();
      yield* inSlices(held ?? (await body.toArray()));
    }

    function endAll(): void {
      stop.abort();
      // A reader that stopped half-way, or met a failure, may still use what it did not give back.
      for (const loan of taken) loan.forget();
      taken.clear();
      for (const fetch of untaken) endUntaken(fetch);
      untaken.clear();
    }

    function endingAll(error: unknown): never {
      endAll();
      throw error;
    }

    // Chunk by chunk: a stream of bytes would join what it holds.
    const body = Readable.from(chunks(), { highWaterMark: 1 });
    // A body that is dropped unread never starts its generator.
    body.once('close', () => {
      first.body.destroy();
      endAll();
    });
    return { object, body };
  }

  return (key, options) => {
    const { size = 0, range, lends } = options;
    const memory = lends === undefined ? KEPT : LENT[lends];
    const inParts = backend.features.readsInParts === true && range === undefined && size > memory.above;
    return inParts ? getInParts(key, options, memory) : getResuming(backend, retry, key, options);
  };
}

/** Nobody has its memory once it has settled. */
function endUntaken({ opened, loan }: Fetch): void {
  opened
    .then(
      ({ body }) => body.destroy(),
      () => undefined,
    )
    .then(loan.giveBack);
}

/** Memory that is the reader's own in the end; so much of it at once before a reader has it. */
function createKeeping({ bytes, most }: PartMemory): () => Loan | undefined {
  let out = 0;
  return () => {
    if (out === most) return undefined;
    out += 1;
    let isOut = true;
    const forget = () => {
      if (isOut) out -= 1;
      isOut = false;
    };
    return { memory: Buffer.allocUnsafeSlow(bytes), forget, giveBack: forget };
  };
}

/** A reader works on the bytes of one slice while others have their turn. */
function* inSlices(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; start += SLICE) yield chunk.subarray(start, start + SLICE);
  }
}
