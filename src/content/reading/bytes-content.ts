import { bytesReader } from '../byte-reader.ts';
import { bytesBody } from '../bytes-body.ts';
import type { ReadOptions } from '../content.ts';
import { Fingerprint } from '../fingerprint.ts';
import type { SniffedContent } from '../sniffed-content.ts';
import { Examination } from '../sniffing/examine.ts';
import { storedExtension } from '../sniffing/judge.ts';
import { checkSize } from './file-errors.ts';

/** Up to this size content is read once, held in memory, and stored from there. */
export const LARGEST_IN_MEMORY = 1024 * 1024;

/**
 * Judges and fingerprints bytes in memory; the result holds on to them.
 * @throws AssetError FILE_EMPTY, FILE_TOO_LARGE, TYPE_MISMATCH, TYPE_NOT_ALLOWED, CONTENT_UNSAFE
 */
export async function bytesContent(bytes: Uint8Array, name: string, options: ReadOptions): Promise<SniffedContent> {
  checkSize(name, bytes.byteLength, options.rules);
  const reader = bytesReader(bytes);
  const examination = new Examination(name, options.rules, bytes);
  await examination.feed(bytes);
  const detected = await examination.finish(reader);
  const fingerprint = new Fingerprint(options.checksums);
  fingerprint.update(bytes);
  return {
    mimeType: detected.mimeType,
    extension: storedExtension(name, detected),
    body: bytesBody(bytes),
    reader,
    close: () => Promise.resolve(),
    ...fingerprint.digest(),
  };
}
