import type { Readable } from 'node:stream';
import { memoryReadable } from '../core/memory-readable.ts';
import type { OpenedObject, StoredObject } from './backend.ts';

/** An object whose bytes are all there. Of many small ones nobody asks what describes them, or for a stream. */
export function openedInMemory(describe: () => StoredObject, held: readonly Uint8Array[]): OpenedObject {
  let object: StoredObject | undefined;
  let body: Readable | undefined;
  return {
    held,
    get object() {
      object ??= describe();
      return object;
    },
    get body() {
      body ??= memoryReadable(held);
      return body;
    },
  };
}
