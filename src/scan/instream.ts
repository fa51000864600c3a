import type { BodySource } from '../core/body.ts';

const LARGEST_ANNOUNCEMENT = 0xffffffff;

/** Content as clamd's INSTREAM takes it. */
export interface Instream {
  readonly size: number;
  open(): AsyncIterable<Uint8Array>;
}

/** clamd's commands with a NUL at the end of both question and answer. */
export function command(name: 'INSTREAM' | 'VERSION'): Uint8Array {
  return Buffer.from(`z${name}\0`);
}

/**
 * Lengths come before data. The whole content is announced at once where 32 bits suffice, so that
 * clamd refuses what is too large before it is sent.
 */
export function instream(body: BodySource): Instream {
  async function* open(): AsyncGenerator<Uint8Array> {
    const atOnce = body.size <= LARGEST_ANNOUNCEMENT;
    yield Buffer.concat([command('INSTREAM'), atOnce ? length(body.size) : Buffer.alloc(0)]);
    for await (const chunk of body.bytes === undefined ? body.open() : [body.bytes]) {
      if (!atOnce) yield length(chunk.byteLength);
      yield chunk;
    }
    yield length(0);
  }

  return { size: body.size, open };
}

export function instreamOfBytes(bytes: Uint8Array): Instream {
  return instream({ size: bytes.byteLength, bytes, open: () => neverRead() });
}

const ZEROS = new Uint8Array(256 * 1024);

export function instreamOfZeros(size: number): Instream {
  return instream({
    size,
    async *open() {
      for (let sent = 0; sent < size; sent += ZEROS.byteLength) yield ZEROS.subarray(0, size - sent);
    },
  });
}

/** Bodies in memory are sent from there. */
async function* neverRead(): AsyncGenerator<Uint8Array> {
  yield* [];
}

/** The beginning of an INSTREAM of that size, without its content. */
export function announcement(size: number): Iterable<Uint8Array> {
  return [Buffer.concat([command('INSTREAM'), length(Math.min(size, LARGEST_ANNOUNCEMENT))])];
}

function length(bytes: number): Buffer {
  const field = Buffer.alloc(4);
  field.writeUInt32BE(bytes);
  return field;
}
