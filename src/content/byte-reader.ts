import { readSync } from 'node:fs';

/** Random access to content that is in memory or in an open file. */
export interface ByteReader {
  readonly size: number;
  /** Up to `length` bytes at `offset`; fewer only where the content ends. */
  read(offset: number, length: number): Uint8Array;
}

/** Whoever walks from header to header asks for a few bytes at a time: so many are fetched at once. */
const WINDOW_LENGTH = 16 * 1024;
/** 50 MiB of GIF in full blocks are 200,000 pieces, of PNG in the usual chunks 6,400. */
const MOST_PIECES = 1_000_000;

export function bytesReader(bytes: Uint8Array): ByteReader {
  return { size: bytes.byteLength, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

export function fileReader(fd: number, size: number): ByteReader {
  let window: Uint8Array = new Uint8Array();
  let start = 0;
  return {
    size,
    read(offset, length) {
      const wanted = Math.max(0, Math.min(length, size - offset));
      if (wanted > WINDOW_LENGTH) return readFrom(fd, offset, wanted);
      if (offset < start || offset + wanted > start + window.byteLength) {
        window = readFrom(fd, offset, Math.min(WINDOW_LENGTH, size - offset));
        start = offset;
      }
      return window.subarray(offset - start, offset - start + wanted);
    },
  };
}

function readFrom(fd: number, offset: number, length: number): Uint8Array {
  const buffer = Buffer.allocUnsafeSlow(Math.max(0, length));
  let filled = 0;
  while (filled < buffer.length) {
    const count = readSync(fd, buffer, filled, buffer.length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return buffer.subarray(0, filled);
}

/** For one walk from piece to piece: a hostile file is nothing but headers of empty pieces. */
export function walkedReader(reader: ByteReader): ByteReader {
  let pieces = 0;
  return {
    size: reader.size,
    read(offset, length) {
      pieces += 1;
      if (pieces > MOST_PIECES) throw new TooManyPieces(`it consists of more than ${MOST_PIECES} pieces`);
      return reader.read(offset, length);
    },
  };
}

/** What walkedReader throws. */
export class TooManyPieces extends Error {
  override readonly name = 'TooManyPieces';
}
