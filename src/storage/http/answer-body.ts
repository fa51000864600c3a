import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { memoryReadable } from '../../core/memory-readable.ts';

export interface AnswerBody {
  /** All of it, where it came with the answer. */
  readonly held: readonly Uint8Array[] | undefined;
  stream(): Readable;
  text(): Promise<string>;
  /** Reads what nobody wants, so that the connection can go on. */
  dump(): Promise<void>;
  /** Ends what may be too long to read for nothing. */
  drop(): void;
}

const NOTHING_LEFT = Promise.resolve();

export function heldBody(held: readonly Uint8Array[]): AnswerBody {
  return {
    held,
    stream: () => memoryReadable(held),
    text: () => Promise.resolve(Buffer.concat(held).toString()),
    dump: () => NOTHING_LEFT,
    drop: () => undefined,
  };
}

export function streamedBody(stream: Readable): AnswerBody {
  // A failure is met by whoever reads; until then it must not count as unhandled.
  stream.on('error', () => undefined);
  return {
    held: undefined,
    stream: () => stream,
    text: async () => Buffer.concat(await stream.toArray()).toString(),
    dump: () => finished(stream.resume()),
    drop: () => stream.destroy(),
  };
}
