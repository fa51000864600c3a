/**
 * Bytes that can be read again from the start, so that a retry never resends half a body.
 * `open` yields exactly `size` bytes; a put whose body is shorter, longer or fails must reject
 * with the body's own error and leave nothing visible.
 */
export interface BodySource {
  readonly size: number;
  /** The whole content where it is in memory: spares the stream. */
  readonly bytes?: Uint8Array;
  open(): AsyncIterable<Uint8Array>;
}

/** In lower-case hex. */
export interface Checksums {
  sha256?: string;
  md5?: string;
  crc32c?: string;
}

export type ChecksumName = keyof Checksums;
