import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { AssetError } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import { type ByteReader, TooManyPieces, walkedReader } from '../byte-reader.ts';
import { type ImageSize, readImageSize } from '../images/header.ts';
import { entryDataOffset, readZipDirectory, type ZipEntry } from './zip-directory.ts';

/** Inflated content up to here harms nobody, whatever its ratio. */
const HARMLESS_SIZE = 100 * 1024 * 1024;
/** XML deflates 10 to 50 times. */
const LARGEST_RATIO = 100;
const LARGEST_SIZE = 2 * 1024 * 1024 * 1024;
/** As clamd's MaxFiles. */
const MOST_ENTRIES = 10_000;
/** Deflate cannot do better (RFC 1951: 258 bytes for 2 bits). */
const DEFLATE_RATIO = 1032;
const READ_LENGTH = 256 * 1024;

/** sharp's and libvips' default limit, 16383 by 16383. */
const MOST_PIXELS = 0x3fff * 0x3fff;

/**
 * Refuses an OpenXML document that would inflate beyond measure, or that says less than it inflates to.
 * @throws AssetError CONTENT_UNSAFE
 */
export async function refuseZipBomb(name: string, reader: ByteReader): Promise<void> {
  const entries = readZipDirectory(reader);
  const problem =
    entries === undefined ? undefined : (declaredProblem(entries, reader) ?? (await hiddenProblem(entries, reader)));
  if (problem !== undefined) throw unsafe(name, problem);
}

function declaredProblem(entries: readonly ZipEntry[], reader: ByteReader): string | undefined {
  if (entries.length > MOST_ENTRIES) return `it has ${entries.length} entries, and ${MOST_ENTRIES} are the limit`;
  const inflated = sumOf(entries, 'size');
  const packed = sumOf(entries, 'compressedSize');
  if (packed > reader.size) return 'its entries overlap';
  if (inflated > LARGEST_SIZE || (inflated > HARMLESS_SIZE && inflated > packed * LARGEST_RATIO)) {
    return `its ${formatSize(packed)} inflate to ${formatSize(inflated)}`;
  }
  const strange = entries.some(({ encrypted, method }) => encrypted || (method !== 0 && method !== 8));
  return strange ? 'it has entries that are encrypted or packed in a way that documents do not use' : undefined;
}

/** Sizes that are declared too small are found by inflating; not needed where nothing harmful can come of it. */
async function hiddenProblem(entries: readonly ZipEntry[], reader: ByteReader): Promise<string | undefined> {
  if (sumOf(entries, 'compressedSize') * DEFLATE_RATIO <= HARMLESS_SIZE) return undefined;
  for (const entry of entries) {
    const start = entryDataOffset(reader, entry);
    if (start === undefined) return 'its directory contradicts its entries';
    const honest =
      entry.method === 0 ? entry.compressedSize === entry.size : await inflatesTo(entry.size, reader, start, entry);
    if (!honest) return 'an entry does not inflate to the size that it declares';
  }
  return undefined;
}

async function inflatesTo(size: number, reader: ByteReader, start: number, entry: ZipEntry): Promise<boolean> {
  let inflated = 0;
  try {
    await pipeline(packedChunks(reader, start, entry), createInflateRaw({ chunkSize: READ_LENGTH }), async (chunks) => {
      for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
        inflated += chunk.byteLength;
        if (inflated > size) break;
      }
    });
  } catch (error) {
    const isOurs = inflated > size; // leaving the loop cuts the pipeline
    const isDamage = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
    if (!isOurs && !isDamage) throw error;
    return false;
  }
  return inflated === size;
}

function* packedChunks(reader: ByteReader, start: number, entry: ZipEntry): Generator<Uint8Array> {
  for (let at = 0; at < entry.compressedSize; at += READ_LENGTH) {
    yield reader.read(start + at, Math.min(READ_LENGTH, entry.compressedSize - at));
  }
}

function sumOf(entries: readonly ZipEntry[], field: 'size' | 'compressedSize'): number {
  return entries.reduce((sum, entry) => sum + entry[field], 0);
}

/**
 * Refuses an image whose header tells that it is cut off, or that decoding it would take more memory than sane.
 * @throws AssetError TYPE_MISMATCH, CONTENT_UNSAFE
 */
export function refuseBadImage(name: string, mimeType: string, reader: ByteReader, label: string): void {
  const size = readSize(name, mimeType, reader);
  if (size === undefined) {
    throw new AssetError(
      'TYPE_MISMATCH',
      `${escapeForTerminal(name)} begins like ${label}, but is cut off or damaged`,
      { hint: 'Make or fetch it again, and check that it can be opened.', details: { mimeType } },
    );
  }
  if (size.width * size.height > MOST_PIXELS) {
    throw unsafe(name, `it would have ${size.width} × ${size.height} pixels, and ${MOST_PIXELS} in all are the limit`);
  }
}

function readSize(name: string, mimeType: string, reader: ByteReader): ImageSize | undefined {
  try {
    return readImageSize(mimeType, walkedReader(reader));
  } catch (error) {
    throw error instanceof TooManyPieces ? unsafe(name, error.message) : error;
  }
}

function unsafe(name: string, problem: string): AssetError {
  return new AssetError('CONTENT_UNSAFE', `${escapeForTerminal(name)} is not safe to open: ${problem}`, {
    hint: 'If it is from a source that you trust, save it anew in the program that made it.',
  });
}
