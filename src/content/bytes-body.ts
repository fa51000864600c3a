import type { BodySource } from '../core/body.ts';

/** A body that is in memory. */
export function bytesBody(bytes: Uint8Array): BodySource {
  return { size: bytes.byteLength, bytes, open: () => only(bytes) };
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
