import { constants, createInflateRaw, type InflateRaw } from 'node:zlib';

/**
 * What Node's zlib streams work by. It is not documented, but packages that inflate at once have used it for years: where
 * it is not as expected, nothing is inflated by it.
 */
interface Handle {
  reset(): void;
  /** Tells what is left in `left`, or calls `onerror`. */
  writeSync(
    flush: number,
    from: Uint8Array,
    fromOffset: number,
    fromLength: number,
    to: Uint8Array,
    toOffset: number,
    toLength: number,
  ): void;
  onerror: () => void;
}

interface Inflater {
  handle: Handle;
  /** After a write: bytes without use in the output, and bytes not taken from the input. */
  left: Uint32Array;
  /** Owns the handle, which goes with it. */
  stream: InflateRaw;
}

let inflater: Inflater | 'unknown' | undefined;

/**
 * Inflates a whole stream (RFC 1951) that is known to hold `size` bytes, by one zlib object for all: to make one, as
 * `inflateRawSync` does for each, takes longer than to inflate a short text.
 * @param memory more than `size` bytes, so that the end of the stream is seen
 * @returns whether the memory begins with the content; if not, `inflateRawSync` tells why
 */
export function inflateInto(memory: Uint8Array, deflated: Uint8Array, size: number): boolean {
  inflater ??= makeInflater() ?? 'unknown';
  if (inflater === 'unknown') return false;
  const { handle, left } = inflater;
  let failed = false;
  handle.onerror = () => {
    failed = true;
  };
  handle.reset();
  handle.writeSync(constants.Z_FINISH, deflated, 0, deflated.byteLength, memory, 0, size + 1);
  if (failed) inflater = undefined;
  return !failed && left[0] === 1 && left[1] === 0;
}

function makeInflater(): Inflater | undefined {
  const stream = createInflateRaw({ chunkSize: constants.Z_MIN_CHUNK });
  const handle: unknown = Reflect.get(stream, '_handle');
  const left: unknown = Reflect.get(stream, '_writeState');
  return isHandle(handle) && left instanceof Uint32Array ? { handle, left, stream } : undefined;
}

function isHandle(value: unknown): value is Handle {
  if (typeof value !== 'object' || value === null) return false;
  return ['reset', 'writeSync', 'onerror'].every((name) => typeof Reflect.get(value, name) === 'function');
}
