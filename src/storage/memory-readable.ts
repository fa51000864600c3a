import { Readable } from 'node:stream';

const inMemory = new WeakSet<Readable>();

/** A stream of bytes that are all there: it cannot fail half-way. */
export function memoryReadable(bytes: Uint8Array): Readable {
  const readable = new Readable({
    read() {
      if (bytes.byteLength > 0) this.push(bytes);
      this.push(null);
    },
  });
  inMemory.add(readable);
  return readable;
}

export function isMemoryReadable(readable: Readable): boolean {
  return inMemory.has(readable);
}
