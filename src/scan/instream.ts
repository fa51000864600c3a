import type { BodySource } from '../core/body.ts';
import type { Pieces } from './clamd-connection.ts';

const LARGEST_ANNOUNCEMENT = 0xffffffff;

/** Content as clamd's INSTREAM takes it. */
export interface Instream {
  readonly size: number;
  open(): Pieces;
}

/** clamd's commands with a NUL at the end of both question and answer. */
export function command(name: 'IDSESSION' | 'INSTREAM' | 'VERSION'): Uint8Array {
  return Buffer.from(`z${name}\0`);
}

/**
 * Lengths come before data. The whole content is announced at once where 32 bits suffice, so that
 * clamd refuses what is too large before it is sent.
 */
export function instream({ size, bytes, open }: BodySource, hasMargin = false): Instream {
  if (bytes !== undefined) return hasMargin ? instreamInPlace(bytes) : instreamOfBytes(bytes);
  const begin = size <= LARGEST_ANNOUNCEMENT ? announcement(size) : command('INSTREAM');
  return { size, open: () => streamed(begin, open(), size > LARGEST_ANNOUNCEMENT) };
}

async function* streamed(
  begin: Uint8Array,
  chunks: AsyncIterable<Uint8Array>,
  announcesEach: boolean,
): AsyncGenerator<Uint8Array> {
  yield begin;
  for await (const chunk of chunks) {
    if (announcesEach) yield length(chunk.byteLength);
    yield chunk;
  }
  yield END;
}

export function instreamOfBytes(bytes: Uint8Array): Instream {
  const size = bytes.byteLength;
  return { size, open: () => [announcement(size), bytes, END] };
}

/** One piece is sent with less effort than three. */
function instreamInPlace({ buffer, byteOffset, byteLength: size }: Uint8Array): Instream {
  const start = byteOffset - BEGINNING.length;
  const whole = Buffer.from(buffer, start, BEGINNING.length + size + END.length);
  return {
    size,
    open() {
      whole.set(announcement(size));
      whole.set(END, BEGINNING.length + size);
      return [whole];
    },
  };
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

const BEGINNING = Buffer.concat([command('INSTREAM'), length(0)]);
const END = length(0);

/** The beginning of an INSTREAM of that size, without its content. */
export function announcement(size: number): Uint8Array {
  const beginning = Buffer.from(BEGINNING);
  beginning.writeUInt32BE(Math.min(size, LARGEST_ANNOUNCEMENT), BEGINNING.length - 4);
  return beginning;
}

function length(bytes: number): Buffer {
  const field = Buffer.alloc(4);
  field.writeUInt32BE(bytes);
  return field;
}
