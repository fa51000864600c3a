import { Readable } from 'node:stream';
import { createLender, type Loan } from '../core/lent-memory.ts';
import type { StorageKey } from '../core/storage-key.ts';
import type { GetOptions, OpenedObject, StorageBackend } from './backend.ts';
import { createLentPieces } from './lent-pieces.ts';
import { getResuming } from './resuming-get.ts';
import { type RetryOptions, retrying } from './retry-policy.ts';
import { whileFast } from './while-fast.ts';

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
/**
 * Its readers hold it for a while, also while they send it. Larger where each part costs a store a range; smaller where one
 * answer brings the whole: what a piece holds is then still in the processor's cache when it is digested and written.
 */
const LENT: Readonly<Record<'parts' | 'whole', PartMemory>> = {
  parts: { above: 16 * MIB, bytes: 8 * MIB, ahead: 2, most: 14 },
  whole: { above: 16 * MIB, bytes: 4 * MIB, ahead: 6, most: 12 },
};
const SLICE = MIB;

/** A part that is being fetched, and the memory for it. */
interface Fetch {
  opened: Promise<OpenedObject>;
  loan: Loan;
}

/**
 * A get that reads an object whose size the caller knows, and that is large, in several ranges at once: one connection
 * carries less than a store and a line can. Where one object is read at a time, one answer brings it for as long as it is
 * fast: that costs a store less. The body is in order, of one version, and resumed like any other.
 */
export function gettingInParts(backend: StorageBackend, retry: RetryOptions, now = () => performance.now()): GetObject {
  const lenders = {
    parts: createLender(LENT.parts.bytes, LENT.parts.most),
    whole: createLender(LENT.whole.bytes, LENT.whole.most),
  };
  const handOut = createKeeping(KEPT);

  async function getInParts(key: StorageKey, options: GetOptions, memory: PartMemory): Promise<OpenedObject> {
    const { size: expected = 0, range: _, lends, ...call } = options;
    const { bytes, ahead: mostAhead } = memory;
    const startsWhole = lends === 'whole';
    const lend = lends === undefined ? handOut : lenders[lends];
    const stop = new AbortController();
    const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
    const endWhole = new AbortController();
    const untaken = new Set<Fetch>();
    const pieces = createLentPieces(lend);
    const taken = new Map<ArrayBufferLike, Loan>();
    const ahead: Fetch[] = [];
    const first = await (startsWhole ? getWhole() : getFirst()).catch(endingAll);
    const { object } = first;
    // An answer that comes in chunks does not tell.
    const size = object.size === 0 ? expected : object.size;
    const sameVersion: GetOptions = { ...call, ifMatch: object.etag };

    function getWhole(): Promise<OpenedObject> {
      const whole = { ...call, signal: AbortSignal.any([signal, endWhole.signal]), pieces: pieces.next };
      return retrying(retry, call, () => backend.get(key, whole));
    }

    function getFirst(): Promise<OpenedObject> {
      const fetch = lends === undefined ? undefined : fetchPart(0, call);
      if (fetch !== undefined) ahead.push(fetch);
      return fetch?.opened ?? getPart(0, call);
    }

    function getPart(start: number, partOptions: GetOptions, end = start + bytes): Promise<OpenedObject> {
      return getResuming(backend, retry, key, { ...partOptions, signal, range: { start, end: end - 1 } });
    }

    /** undefined if there is no memory for it now. */
    function fetchPart(start: number, partOptions: GetOptions): Fetch | undefined {
      const loan = lend();
      if (loan === undefined) return undefined;
      const fetch = { opened: getPart(start, { ...partOptions, into: loan.memory }), loan };
      // A failure is met at its own turn; until then it must not count as unhandled.
      fetch.opened.catch(() => undefined);
      untaken.add(fetch);
      return fetch;
    }

    /** @param start of the first of the parts that are to be read next */
    function fetchAhead(start: number): void {
      while (ahead.length < mostAhead && start + ahead.length * bytes < size) {
        const next = fetchPart(start + ahead.length * bytes, sameVersion);
        if (next === undefined) return;
        ahead.push(next);
      }
    }

    async function* chunks(): AsyncGenerator<Uint8Array> {
      try {
        const begin = startsWhole ? yield* takeWholeWhileFast() : 0;
        for (let start = begin; start < size; start += bytes) {
          const fetched = ahead.shift();
          fetchAhead(start + bytes);
          if (fetched !== undefined) yield* takePart(fetched);
          else yield* start === 0 && !startsWhole ? first.body : (await getPart(start, sameVersion)).body;
        }
        // The last parts are with their reader, who gives them back.
        taken.clear();
      } finally {
        endAll();
      }
    }

    /** @returns where parts are to begin, if the whole came slowly or broke off */
    async function* takeWholeWhileFast(): AsyncGenerator<Uint8Array, number> {
      let begin = 0;
      const body = pieces.handedOver(first.body, take);
      const onSlow = (at: number) => {
        // What is on its way still comes, while the parts behind it are asked for.
        begin = Math.min(at + bytes, size);
        fetchAhead(begin);
        return begin;
      };
      const at = yield* whileFast(body, { now, onSlow });
      // To be destroyed would not do: what reads it ends with the next piece.
      endWhole.abort();
      if (at < begin) yield* (await getPart(at, sameVersion, begin)).body;
      const end = Math.max(at, begin);
      fetchAhead(end);
      return end;
    }

    function take(loan: Loan): void {
      taken.set(loan.memory.buffer, loan);
    }

    async function* takePart(fetch: Fetch): AsyncGenerator<Uint8Array> {
      const { loan } = fetch;
      const opened = await fetch.opened;
      const { held } = opened;
      // The body was closed meanwhile.
      if (!untaken.delete(fetch)) throw stop.signal.reason;
      if (lends !== undefined) {
        // An answer of another length than was asked for is not in this memory.
        if (held?.[0]?.buffer === loan.memory.buffer) take(loan);
        else loan.giveBack();
        // What is lent comes in one piece, as it is given back.
        return yield* held ?? opened.body;
      }
      loan.forget();
      yield* inSlices(held ?? (await opened.body.toArray()));
    }

    function endAll(): void {
      stop.abort();
      // A reader that stopped half-way, or met a failure, may still use what it did not give back.
      for (const loan of taken.values()) loan.forget();
      taken.clear();
      for (const fetch of untaken) endUntaken(fetch);
      untaken.clear();
    }

    function endingAll(error: unknown): never {
      endAll();
      pieces.end();
      throw error;
    }

    first.body.once('close', pieces.end);
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
