import { pipeline } from 'node:stream/promises';
import { createGunzip, gunzipSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { AssetError } from '../../core/errors.ts';
import { bytesAre } from '../../core/size.ts';
import { inflateInto } from './inflate-into.ts';

const CHUNK_LENGTH = 64 * 1024;
/** zlib takes no smaller chunks. */
const LEAST_CHUNK = 64;
/** RFC 1952: the header without optional fields; the sum and the size at the end. */
const PLAIN_HEADER = { start: [0x1f, 0x8b, 8, 0], length: 10 };
const TRAILER_LENGTH = 8;

/**
 * The content of bytes that are stored in an encoding, a chunk at a time as it is asked for: whoever stops at the
 * recorded size has decoded no more than a chunk beyond it.
 * @throws AssetError BYTES_DAMAGED; what the source throws
 */
export function decodedContent(stored: AsyncIterable<Uint8Array>, encoding: string | null): AsyncIterable<Uint8Array> {
  if (encoding === null) return stored;
  if (encoding !== 'gzip') throw unknownEncoding(encoding);
  return gunzipped(stored);
}

/**
 * The same of bytes that are in memory, for content of at most `size` bytes: a stream costs more than a short text.
 * @throws AssetError BYTES_DAMAGED
 */
export function decodedAtOnce(stored: Uint8Array, encoding: string | null, size: number): Uint8Array {
  if (encoding === null) return stored;
  if (encoding !== 'gzip') throw unknownEncoding(encoding);
  return inOnePiece(size, (options) => gunzipSync(stored, options));
}

/**
 * The same without a look at gzip's own sum, which takes as long as to decode: for content whose SHA-256 is compared
 * next, and whose stored bytes go nowhere.
 * @param memory where the result may be; it is used if it holds more than `size` bytes
 * @throws AssetError BYTES_DAMAGED
 */
export function decodedUnsummed(
  stored: Uint8Array,
  encoding: string | null,
  size: number,
  memory?: Uint8Array,
): Uint8Array {
  if (encoding !== 'gzip' || !hasPlainHeader(stored)) return decodedAtOnce(stored, encoding, size);
  const deflated = stored.subarray(PLAIN_HEADER.length, -TRAILER_LENGTH);
  const target = memory !== undefined && memory.byteLength > size ? memory : Buffer.allocUnsafe(size + 1);
  if (inflateInto(target, deflated, size)) return target.subarray(0, size);
  return inOnePiece(size, (options) => inflateRawSync(deflated, options));
}

function hasPlainHeader(stored: Uint8Array): boolean {
  if (stored.byteLength < PLAIN_HEADER.length + TRAILER_LENGTH) return false;
  return PLAIN_HEADER.start.every((byte, at) => stored[at] === byte);
}

function inOnePiece(size: number, decode: (options: ZlibOptions) => Buffer): Buffer {
  try {
    // A little more than the content, so that its end is seen without another piece.
    return decode({ maxOutputLength: Math.max(1, size), chunkSize: size + LEAST_CHUNK });
  } catch (error) {
    if (hasCode(error, /^ERR_BUFFER_TOO_LARGE$/)) throw damaged(`more than ${bytesAre(size)} stored`, error);
    throw isZlibError(error) ? damaged('they cannot be decompressed', error) : error;
  }
}

async function* gunzipped(stored: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK_LENGTH });
  const feeding = pipeline(stored, gunzip);
  // Whatever goes wrong in the source comes out of the loop, too.
  feeding.catch(() => undefined);
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
    await feeding;
  } catch (error) {
    throw isZlibError(error) ? damaged('they cannot be decompressed', error) : error;
  } finally {
    gunzip.destroy();
  }
}

function isZlibError(error: unknown): boolean {
  return hasCode(error, /^Z_/);
}

function hasCode(error: unknown, code: RegExp): boolean {
  return error instanceof Error && 'code' in error && code.test(String(error.code));
}

function unknownEncoding(encoding: string): AssetError {
  return damaged(`they are in the unknown encoding "${encoding}"`);
}

function damaged(how: string, cause?: unknown): AssetError {
  return new AssetError('BYTES_DAMAGED', `The stored bytes are damaged: ${how}`, {
    hint: 'Upload the file again, or restore the store from a backup.',
    ...(cause === undefined ? {} : { cause }),
  });
}
