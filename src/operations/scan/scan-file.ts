import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { FoundVerdict } from '../../catalog/catalog.ts';
import type { Content } from '../../content/content.ts';
import { readFileContent, readLooseContent } from '../../content/read-content.ts';
import type { BodySource } from '../../core/body.ts';
import { AssetError, type ErrorCode } from '../../core/errors.ts';
import type { Scanner } from '../../scan/scanner.ts';
import type { OperationContext } from '../context.ts';

/** Whatever it is: it is not to be stored. */
const ANY_FILE = {
  maxFileSize: Number.MAX_SAFE_INTEGER,
  allowedMimeTypes: Object.assign(new Set<string>(), { has: () => true }),
};
/** What an upload refuses for what it is. */
const STRANGE: readonly ErrorCode[] = ['TYPE_MISMATCH', 'CONTENT_UNSAFE'];

export interface ScannedFile {
  bytes: number;
  verdict: FoundVerdict;
}

/**
 * Has a local file judged. Nothing is stored or written down.
 * @throws AssetError SCANNER_UNAVAILABLE, PATH_NOT_FOUND, FILE_UNREADABLE, FILE_EMPTY, FILE_CHANGED
 */
export async function scanFile(context: OperationContext, path: string): Promise<ScannedFile> {
  const scanner = await context.scanning.scanner();
  const content = await readIfDecent(path, context.signal);
  try {
    return await judge(scanner, content?.body ?? (await plainBody(path)), context.signal);
  } finally {
    await content?.close();
  }
}

/**
 * The same of what comes from a stream.
 * @throws AssetError SCANNER_UNAVAILABLE, FILE_UNREADABLE, FILE_EMPTY, DISK_FULL
 */
export async function scanStream(context: OperationContext, stream: Readable): Promise<ScannedFile> {
  const { signal, temporaryDirectory: spoolDirectory } = context;
  const scanner = await context.scanning.scanner();
  const { body, close } = await readLooseContent(stream, 'standard input', { rules: ANY_FILE, signal, spoolDirectory });
  try {
    return await judge(scanner, body, signal);
  } finally {
    await close();
  }
}

async function judge(scanner: Scanner, body: BodySource, signal: AbortSignal): Promise<ScannedFile> {
  const { status, result, signatureVersion } = await scanner.scan(body, { signal });
  return { bytes: body.size, verdict: { status, result, signatureVersion } };
}

/** undefined for a file that an upload would refuse for what it is: all the more reason to have it scanned. */
async function readIfDecent(path: string, signal: AbortSignal): Promise<Content | undefined> {
  try {
    return await readFileContent(path, { rules: ANY_FILE, checksums: [], signal });
  } catch (error) {
    const isStrange = error instanceof AssetError && STRANGE.includes(error.code);
    if (!isStrange) throw error;
    return undefined;
  }
}

async function plainBody(path: string): Promise<BodySource> {
  const { size } = await stat(path);
  return { size, open: () => createReadStream(path) };
}
