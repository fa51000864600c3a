import { readSync } from 'node:fs';

/** Random access to content that is in memory or in an open file. */
export interface ByteReader {
  readonly size: number;
  /** Up to `length` bytes at `offset`; fewer only where the content ends. */
  read(offset: number, length: number): Uint8Array;
}

export function bytesReader(bytes: Uint8Array): ByteReader {
  return { size: bytes.byteLength, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

export function fileReader(fd: number, size: number): ByteReader {
  return {
    size,
    read(offset, length) {
      const wanted = Math.max(0, Math.min(length, size - offset));
      const buffer = Buffer.allocUnsafe(wanted);
      let filled = 0;
      while (filled < wanted) {
        const count = readSync(fd, buffer, filled, wanted - filled, offset + filled);
        if (count === 0) break;
        filled += count;
      }
      return buffer.subarray(0, filled);
    },
  };
}
