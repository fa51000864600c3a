import { createHash } from 'node:crypto';
import { read } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { BodySource } from '../../core/body.ts';
import { asError } from '../../core/errors.ts';
import { describeReadError, fileChanged } from './file-errors.ts';

export const readAt = promisify(read);

/** Large enough that a chunk costs little beside its hash and its write, small enough to stay flat in memory. */
const CHUNK_LENGTH = 512 * 1024;
/** One is written while the next is read and hashed. */
const CHUNKS_AHEAD = 2;

export interface FingerprintedFile {
  fd: number;
  name: string;
  size: number;
  sha256: string;
}

/**
 * A body that reads an open file from its start at each open() and fails with FILE_CHANGED unless
 * it is still what the fingerprint says. The last chunk is held back until that is known, so that
 * no consumer ever has all of something else.
 */
export function rereadBody(file: FingerprintedFile): BodySource {
  return { size: file.size, open: () => verifiedStream(file) };
}

function verifiedStream(file: FingerprintedFile): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256');
  let position = 0;

  async function nextVerified(): Promise<Uint8Array | null> {
    if (position === file.size) return null;
    const chunk = await readChunk(file, position);
    position += chunk.length;
    hash.update(chunk);
    if (position === file.size && hash.digest('hex') !== file.sha256) throw fileChanged(file.name);
    return chunk;
  }

  return new Readable({
    objectMode: true,
    highWaterMark: CHUNKS_AHEAD,
    read() {
      nextVerified().then(
        (chunk) => this.push(chunk),
        (error: unknown) => this.destroy(asError(describeReadError(error, file.name))),
      );
    },
  });
}

/** Exactly the next chunk, in a buffer of its own: consumers may keep it. */
export async function readChunk(file: Omit<FingerprintedFile, 'sha256'>, position: number): Promise<Uint8Array> {
  const wanted = Math.min(CHUNK_LENGTH, file.size - position);
  const buffer = Buffer.allocUnsafeSlow(wanted);
  let filled = 0;
  while (filled < wanted) {
    const { bytesRead } = await readAt(file.fd, buffer, filled, wanted - filled, position + filled);
    if (bytesRead === 0) throw fileChanged(file.name);
    filled += bytesRead;
  }
  return buffer;
}
