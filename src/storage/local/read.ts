import { closeSync, constants, fstatSync, openSync, read as readCallback, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { StorageKey } from '../../core/storage-key.ts';
import type { GetOptions, OpenedObject } from '../backend.ts';
import { openedInMemory } from '../opened-in-memory.ts';
import { resolveRange } from '../range.ts';
import { StorageError } from '../storage-error.ts';
import { errorCode, type LocalErrorContext, translateLocalError } from './errors.ts';
import type { LocalRoot } from './root.ts';
import { describeFile, linkInPlace, requireFile } from './stat.ts';

// Not blocking: a pipe planted under a key must not hang us.
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const SMALL = 256 * 1024;
/** Held for each reader, of whom slow ones may be many. */
const CHUNK = 64 * 1024;

const readSome = promisify(readCallback);

interface OpenFile {
  descriptor: number;
  start: number;
  length: number;
  context: LocalErrorContext;
}

export function readObject(root: LocalRoot, key: StorageKey, options: GetOptions): OpenedObject {
  options.signal?.throwIfAborted();
  const descriptor = openObject(root, key);
  let isOwned = true;
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    requireFile(stats, root.backend, key);
    const object = describeFile(key, stats);
    if (options.ifMatch !== undefined && options.ifMatch !== object.etag) {
      throw new StorageError('CONFLICT', 'another version is stored now', { backend: root.backend, key });
    }
    const range = resolveRange(options.range, object.size, { backend: root.backend, key });
    const file = { descriptor, ...range, context: { root, key } };
    if (range.length <= SMALL) return openedInMemory(() => object, [readSmall(file)]);
    isOwned = false;
    const body = Readable.from(readChunks(file, options.signal), { objectMode: false, highWaterMark: CHUNK });
    // A body that is dropped unread never starts its generator, whose end closes the file.
    body.once('close', () => closeSync(descriptor));
    return { object, body };
  } finally {
    if (isOwned) closeSync(descriptor);
  }
}

/** Only what is not as it should be takes the long way, which tells why. */
export function readNow(root: LocalRoot, key: StorageKey, size: number, memory: Uint8Array): boolean {
  try {
    const descriptor = openSync(root.locate(key), READ_FLAGS);
    try {
      return readSync(descriptor, memory, 0, size + 1, 0) === size;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
}

function openObject(root: LocalRoot, key: StorageKey): number {
  const path = root.locate(key);
  try {
    return openSync(path, READ_FLAGS);
  } catch (error) {
    if (errorCode(error) === 'ELOOP') throw linkInPlace(root.backend, key, error);
    throw error;
  }
}

function readSmall(file: OpenFile): Buffer {
  const buffer = Buffer.allocUnsafe(file.length);
  let filled = 0;
  while (filled < file.length) {
    const count = readSync(file.descriptor, buffer, filled, file.length - filled, file.start + filled);
    if (count === 0) throw truncated(file, filled);
    filled += count;
  }
  return buffer;
}

async function* readChunks(file: OpenFile, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  let delivered = 0;
  while (delivered < file.length) {
    signal?.throwIfAborted();
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, file.length - delivered));
    const count = await readTranslated(file, buffer, file.start + delivered);
    if (count === 0) throw truncated(file, delivered);
    delivered += count;
    yield count === buffer.length ? buffer : buffer.subarray(0, count);
  }
}

async function readTranslated(file: OpenFile, buffer: Buffer, position: number): Promise<number> {
  try {
    const { bytesRead } = await readSome(file.descriptor, buffer, 0, buffer.length, position);
    return bytesRead;
  } catch (error) {
    throw translateLocalError(error, file.context);
  }
}

function truncated(file: OpenFile, delivered: number): StorageError {
  const message = `the file ended after ${delivered} of ${file.length} bytes`;
  return new StorageError('INTEGRITY', message, { backend: file.context.root.backend, key: file.context.key ?? '' });
}
