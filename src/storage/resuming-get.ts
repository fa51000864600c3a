import { Readable } from 'node:stream';
import type { StorageKey } from '../core/storage-key.ts';
import type { GetOptions, OpenedObject, StorageBackend } from './backend.ts';
import { resolveRange } from './range.ts';
import { type RetryOptions, retrying } from './retry-policy.ts';
import { StorageError } from './storage-error.ts';

/** A get whose body is asked for again from where it broke, as long as the same version is stored. */
export async function getResuming(
  backend: StorageBackend,
  retry: RetryOptions,
  key: StorageKey,
  options: GetOptions,
): Promise<OpenedObject> {
  const download = await retrying(retry, options, () => backend.get(key, options));
  const context = { backend: backend.name, key };
  const { held } = download;
  if (held !== undefined && options.range === undefined) return download;
  const { start, length } = resolveRange(options.range, download.object.size, context);
  const end = start + length - 1;
  if (held !== undefined) {
    if (held.reduce((sum, chunk) => sum + chunk.byteLength, 0) > length) throw noRanges(context);
    return download;
  }

  function continueAt(position: number): Promise<OpenedObject> {
    // The reader may still have what came in that memory.
    const { into, ...rest } = options;
    return backend.get(key, { ...rest, ifMatch: download.object.etag, range: { start: position, end } });
  }

  let answer: AsyncIterator<Uint8Array> = download.body[Symbol.asyncIterator]();

  /** undefined: there are no more. */
  async function nextChunk(position: number): Promise<Uint8Array | undefined> {
    const next = await answer.next();
    if (next.done !== true) return next.value;
    if (position > end) return undefined;
    throw shortBody(backend.name, key, position - start, length);
  }

  /**
   * What breaks off before its next chunk has failed once more, whatever came before. That it did is not told as a retry,
   * for which the store would be spared: it has turned nobody away.
   */
  function nextAfter(failure: unknown, position: number): Promise<Uint8Array | undefined> {
    let retries = 0;
    const onRetry = () => {
      retries += 1;
      if (retries > 1) options.onRetry?.();
    };
    return retrying(retry, { ...options, onRetry }, async (failures) => {
      if (failures.length === 0) throw failure;
      if (position > end) return undefined;
      answer = (await continueAt(position)).body[Symbol.asyncIterator]();
      return nextChunk(position);
    });
  }

  async function* chunks(): AsyncGenerator<Uint8Array> {
    let position = start;
    try {
      for (;;) {
        // What the reader throws into this is none of the store's failures.
        const chunk = await nextChunk(position).catch((error: unknown) => nextAfter(error, position));
        if (chunk === undefined) return;
        position += chunk.byteLength;
        if (position > end + 1) throw noRanges(context);
        yield chunk;
      }
    } finally {
      await answer.return?.();
    }
  }

  const body = Readable.from(chunks(), { objectMode: false, highWaterMark: 256 * 1024 });
  // A body that is dropped unread never starts its generator.
  body.once('close', () => download.body.destroy());
  return { object: download.object, body };
}

/** RFC 9110, 14.2: a server may answer the whole of what a range was asked of. */
function noRanges(context: { backend: string; key: string }): StorageError {
  return new StorageError('UNSUPPORTED', 'the store answers more than the range that was asked for', context);
}

function shortBody(backend: string, key: string, received: number, promised: number): StorageError {
  const message = `the answer ended after ${received} of ${promised} bytes`;
  return new StorageError('UNAVAILABLE', message, { backend, key });
}
