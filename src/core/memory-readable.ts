import { Readable } from 'node:stream';

const inMemory = new WeakMap<Readable, readonly Uint8Array[]>();

/** A stream of bytes that are all there: it cannot fail half-way. */
export function memoryReadable(chunks: readonly Uint8Array[]): Readable {
  const readable = new Readable({
    read() {
      for (const chunk of chunks) if (chunk.byteLength > 0) this.push(chunk);
      this.push(null);
    },
  });
  inMemory.set(readable, chunks);
  return readable;
}

/** What a stream of memoryReadable holds; undefined for any other. */
export function chunksInMemory(readable: Readable): readonly Uint8Array[] | undefined {
  return inMemory.get(readable);
}
