import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync, type ZlibOptions } from 'node:zlib';
import { bytesBody } from './bytes-body.ts';
import type { CompressStage, ReadOptions, StoredForm } from './content.ts';
import { Fingerprint } from './fingerprint.ts';
import { rereadBody } from './reading/reread-body.ts';
import { Spool } from './reading/spool.ts';
import type { ShapedContent } from './sniffed-content.ts';

/** Below, the header and the block of a file system eat what is saved. */
const SMALLEST = 1024;
const LEAST_SAVING = 0.1;
/** A sixth of the time of the highest level for a twentieth more bytes. */
const LEVEL = 4;
/** What fits into a window has no matches beyond it. */
const SMALL_WINDOW = 16 * 1024;
/** A third less time than the next, for 1 to 5 % more bytes, which seldom are another block of a file system. */
const SMALL_LEVEL = 3;
/** A file whose beginning does not compress is not read to its end to find out. */
const SAMPLE_LENGTH = 256 * 1024;
const CHUNK_LENGTH = 256 * 1024;

const COMPRESSIBLE = new Set([
  'application/json',
  'application/x-ndjson',
  'application/xml',
  'application/yaml',
  'application/rtf',
  'image/svg+xml',
]);

/** Text in the wide sense: what is compressed already is left alone. */
export function isCompressible(mimeType: string): boolean {
  return mimeType.startsWith('text/') || COMPRESSIBLE.has(mimeType);
}

/**
 * The bytes that a store gets, and their fingerprint: gzip where that saves a tenth, else the content itself.
 * @throws AssetError FILE_CHANGED, DISK_FULL, CONFIG_INVALID (no temporary file)
 */
export async function encode(
  content: ShapedContent,
  { compress, checksums }: ReadOptions,
  onClose: (close: () => Promise<void>) => void,
): Promise<StoredForm> {
  const plain: StoredForm = { body: content.body, encoding: null, checksums: content.checksums };
  if (compress === undefined || content.size <= SMALLEST || !isCompressible(content.mimeType)) return plain;
  const fingerprint = new Fingerprint(checksums);
  const { bytes } = content.body;
  const coded =
    bytes === undefined ? await codeFile(content, compress, fingerprint, onClose) : codeBytes(bytes, fingerprint);
  return coded ?? plain;
}

function largestWorthwhile(size: number): number {
  return Math.floor(size * (1 - LEAST_SAVING));
}

/** At once: for small files the way to another thread and back costs more than the work. */
function codeBytes(bytes: Uint8Array, fingerprint: Fingerprint): StoredForm | undefined {
  const coded = gzipSync(bytes, codingOf(bytes.byteLength));
  if (coded.byteLength > largestWorthwhile(bytes.byteLength)) return undefined;
  fingerprint.update(coded);
  return { body: bytesBody(coded), encoding: 'gzip', checksums: fingerprint.digest().checksums };
}

/** For a large content zlib's own tables, a quarter of a MiB; to make them takes longer than to code a small one. */
function codingOf(size: number): ZlibOptions {
  if (size > SMALL_WINDOW) return { level: LEVEL };
  return { level: SMALL_LEVEL, windowBits: Math.log2(SMALL_WINDOW), memLevel: 6 };
}

/** Through a temporary file, in flat memory. */
async function codeFile(
  content: ShapedContent,
  { spoolDirectory }: CompressStage,
  fingerprint: Fingerprint,
  onClose: (close: () => Promise<void>) => void,
): Promise<StoredForm | undefined> {
  if (!(await beginsCompressible(content))) return undefined;
  const spool = new Spool(spoolDirectory);
  onClose(async () => spool.discard());
  const keep = async (coded: AsyncIterable<Uint8Array>) => {
    for await (const chunk of coded) {
      fingerprint.update(chunk);
      await spool.append(chunk);
      if (spool.size > largestWorthwhile(content.size)) throw new NotWorthwhile();
    }
    await spool.end();
  };
  try {
    await pipeline(content.body.open(), createGzip({ level: LEVEL, chunkSize: CHUNK_LENGTH }), keep);
  } catch (error) {
    if (error instanceof NotWorthwhile) return undefined;
    throw error;
  }
  const { fd, size } = spool;
  const { sha256, checksums } = fingerprint.digest();
  const file = { fd, name: 'the temporary file of a compressed upload', size, sha256 };
  const body = fd === undefined ? bytesBody(spool.takeMemory()) : rereadBody({ ...file, fd });
  return { body, encoding: 'gzip', checksums };
}

class NotWorthwhile extends Error {
  override readonly name = 'NotWorthwhile';
}

async function beginsCompressible(content: ShapedContent): Promise<boolean> {
  for await (const chunk of content.body.open()) {
    const sample = chunk.subarray(0, SAMPLE_LENGTH);
    return gzipSync(sample, { level: LEVEL }).byteLength <= largestWorthwhile(sample.byteLength);
  }
  return false;
}
