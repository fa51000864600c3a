import { closeSync, fstatSync, type Stats } from 'node:fs';
import { fileReader } from '../byte-reader.ts';
import type { ReadOptions } from '../content.ts';
import { Fingerprint } from '../fingerprint.ts';
import type { SniffedContent } from '../sniffed-content.ts';
import { Examination } from '../sniffing/examine.ts';
import { storedExtension } from '../sniffing/judge.ts';
import { fileChanged } from './file-errors.ts';
import { readAt, rereadBody } from './reread-body.ts';

/** Two buffers of this size are filled and hashed in turn. */
const READ_LENGTH = 1024 * 1024;

/**
 * Judges and fingerprints an open file in one pass; the result owns the descriptor, unless this rejects.
 * @throws AssetError FILE_CHANGED, TYPE_MISMATCH, TYPE_NOT_ALLOWED; what aborted the signal; the system's errors
 */
export async function openFileContent(fd: number, name: string, options: ReadOptions): Promise<SniffedContent> {
  const before = fstatSync(fd);
  const fingerprint = new Fingerprint(options.checksums);
  let examination: Examination | undefined;
  for await (const chunk of chunksOf(fd)) {
    options.signal?.throwIfAborted();
    examination ??= new Examination(name, options.rules, chunk);
    await examination.feed(chunk);
    fingerprint.update(chunk);
  }
  const digest = fingerprint.digest();
  if (examination === undefined || digest.size !== before.size || changedSince(before, fd)) throw fileChanged(name);
  const reader = fileReader(fd, before.size);
  const detected = await examination.finish(reader);
  return {
    ...digest,
    mimeType: detected.mimeType,
    extension: storedExtension(name, detected),
    body: rereadBody({ fd, name, size: digest.size, sha256: digest.sha256 }),
    reader,
    close: closerOf(fd),
  };
}

function changedSince(before: Stats, fd: number): boolean {
  const after = fstatSync(fd);
  return after.size !== before.size || after.mtimeMs !== before.mtimeMs;
}

function closerOf(fd: number): () => Promise<void> {
  let open = true;
  return async () => {
    if (open) closeSync(fd);
    open = false;
  };
}

/** A chunk is valid until the next one is asked for: its buffer is filled again while the caller works on the other. */
async function* chunksOf(fd: number): AsyncGenerator<Uint8Array> {
  let current = Buffer.allocUnsafeSlow(READ_LENGTH);
  let other = Buffer.allocUnsafeSlow(READ_LENGTH);
  let position = 0;
  let pending = fill(fd, current, position);
  try {
    for (let length = await pending; length > 0; length = await pending) {
      position += length;
      const chunk = current.subarray(0, length);
      [current, other] = [other, current];
      pending = fill(fd, current, position);
      yield chunk;
    }
  } finally {
    // The descriptor must not be closed, and perhaps used anew, under a read.
    await Promise.allSettled([pending]);
  }
}

/** Fills the buffer as far as the file goes. */
async function fill(fd: number, buffer: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await readAt(fd, buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
