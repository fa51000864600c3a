import type { BodySource, ChecksumName, Checksums } from '../core/body.ts';

/** What may be stored. */
export interface ContentRules {
  /** Bytes. */
  maxFileSize: number;
  allowedMimeTypes: ReadonlySet<string>;
}

export interface ReadOptions {
  rules: ContentRules;
  /** Computed beside the SHA-256 in the same pass: what the backend can check. */
  checksums: readonly ChecksumName[];
  signal?: AbortSignal;
}

/**
 * Content that was read once, judged and fingerprinted. Small files are held in memory; larger
 * ones stay open and are read again for the put, which fails with FILE_CHANGED if the bytes no
 * longer match the fingerprint (the last chunk is held back until that is known).
 */
export interface Content {
  size: number;
  /** Lower-case hex. */
  sha256: string;
  checksums: Checksums;
  /** From the bytes, with the name as a hint for text alone. */
  mimeType: string;
  /** The detected type's own extension, with its dot; else the name's if it is `[a-z0-9]{1,10}`; else empty. */
  extension: string;
  body: BodySource;
  /** Closes the file; the spool of a stream goes with it. */
  close(): Promise<void>;
}
