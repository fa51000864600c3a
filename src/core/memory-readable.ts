import { Readable } from 'node:stream';

/** A stream of bytes that are all there: it cannot fail half-way. */
export function memoryReadable(chunks: readonly Uint8Array[]): Readable {
  return new Readable({
    read() {
      for (const chunk of chunks) if (chunk.byteLength > 0) this.push(chunk);
      this.push(null);
    },
  });
}
