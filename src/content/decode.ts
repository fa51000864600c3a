import { pipeline } from 'node:stream/promises';
import { createGunzip, gunzipSync } from 'node:zlib';
import { AssetError } from '../core/errors.ts';

const CHUNK_LENGTH = 64 * 1024;

/**
 * The content of bytes that are stored in an encoding, a chunk at a time as it is asked for: whoever stops at the
 * recorded size has decoded no more than a chunk beyond it.
 * @throws AssetError BYTES_DAMAGED; what the source throws
 */
export function decodedContent(stored: AsyncIterable<Uint8Array>, encoding: string | null): AsyncIterable<Uint8Array> {
  if (encoding === null) return stored;
  if (encoding !== 'gzip') throw damaged(`they are in the unknown encoding "${encoding}"`);
  return gunzipped(stored);
}

/** The same of bytes that are all at hand and small. */
export function decodedBytes(stored: Uint8Array, encoding: string | null, size: number): Uint8Array {
  if (encoding === null) return stored;
  if (encoding !== 'gzip') throw damaged(`they are in the unknown encoding "${encoding}"`);
  try {
    return gunzipSync(stored, { maxOutputLength: size });
  } catch (error) {
    throw damaged('they cannot be decompressed', error);
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
  return error instanceof Error && 'code' in error && /^Z_/.test(String(error.code));
}

function damaged(how: string, cause?: unknown): AssetError {
  return new AssetError('BYTES_DAMAGED', `The stored bytes are damaged: ${how}`, {
    hint: 'Upload the file again, or restore the store from a backup.',
    ...(cause === undefined ? {} : { cause }),
  });
}
