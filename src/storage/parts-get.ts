import { Readable } from 'node:stream';
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
/** Parts in memory, by all reads of a backend together. The part that is read itself needs none and never waits. */
const MOST_HELD = 4;

/**
 * A get that reads an object whose size the caller knows, and that is large, in several ranges at once: one connection
 * carries less than a store and a line can. The body is in order, of one version, and resumed like any other.
 */
export function gettingInParts(backend: StorageBackend, retry: RetryOptions): GetObject {
  let held = 0;

  return async (key, options) => {
    const { size = 0, range } = options;
    if (backend.features.readsInParts !== true || range !== undefined || size <= 2 * PART_BYTES) {
      return getResuming(backend, retry, key, options);
    }
    const stop = new AbortController();
    const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
    const first = await getPart(0, { ...options, signal });
    const { object } = first;
    const count = Math.ceil(object.size / PART_BYTES);
    const { range: _, ...call } = options;
    const sameVersion: GetOptions = { ...call, signal, ifMatch: object.etag };

    function getPart(index: number, partOptions: GetOptions): Promise<OpenedObject> {
      const start = index * PART_BYTES;
      return getResuming(backend, retry, key, { ...partOptions, range: { start, end: start + PART_BYTES - 1 } });
    }

    function fetchAhead(index: number): Promise<readonly Uint8Array[]> {
      held += 1;
      const part = getPart(index, { ...sameVersion, inMemory: true }).then(({ body }) => collect(body));
      // A failure is met at its own turn; until then it must not count as unhandled.
      part.catch(() => undefined);
      return part;
    }

    async function* chunks(): AsyncGenerator<Uint8Array> {
      const ahead: Promise<readonly Uint8Array[]>[] = [];
      try {
        for (let index = 0; index < count; index += 1) {
          const fetched = ahead.shift();
          for (
            let next = index + ahead.length + 1;
            ahead.length < AHEAD && held < MOST_HELD && next < count;
            next += 1
          ) {
            ahead.push(fetchAhead(next));
          }
          if (fetched === undefined) yield* index === 0 ? first.body : (await getPart(index, sameVersion)).body;
          else yield* inSlices(await fetched.finally(() => (held -= 1)));
        }
      } finally {
        held -= ahead.length;
        stop.abort();
      }
    }

    // Chunk by chunk: a stream of bytes would join what it holds.
    const body = Readable.from(chunks(), { highWaterMark: 1 });
    // A body that is dropped unread never starts its generator.
    body.once('close', () => first.body.destroy());
    return { object, body };
  };
}

/** A reader works on the bytes of one slice while others have their turn. */
function* inSlices(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; start += SLICE) yield chunk.subarray(start, start + SLICE);
  }
}

async function collect(body: Readable): Promise<readonly Uint8Array[]> {
  const held = chunksInMemory(body);
  if (held !== undefined) return held;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks;
}
