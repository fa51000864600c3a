import type { BodySource, ChecksumName, Checksums } from '../core/body.ts';
import type { ImageProfile } from '../core/image-profile.ts';
import type { OnceForEqual } from './images/equal-images.ts';

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
  /** Transforms images; without it they stay as they came. */
  images?: ImageStage;
  /** Codes text at rest where that saves enough; without it everything is stored as it is. */
  compress?: CompressStage;
}

export interface ImageStage {
  profile: ImageProfile;
  /** What became of the same original by the same profile before, so that it need not be decoded again. */
  recognise?(original: Original): Promise<KnownImage | 'as-it-came' | undefined>;
  /** What becomes of equal images that are under way at once. */
  onceForEqual?: OnceForEqual;
}

export interface CompressStage {
  /** Where a private temporary file may be made for what does not fit in memory. */
  spoolDirectory: string;
}

/** What an image was before it went through a profile. */
export interface Original {
  /** Lower-case hex. */
  sha256: string;
  /** profileName() of the profile. */
  profile: string;
}

/** A transformed image that is stored already. */
export interface KnownImage {
  sha256: string;
  size: number;
  mimeType: string;
  /** There if the upload cannot share the stored copy: its bytes. undefined: that copy is not what it was. */
  copy?(): Promise<Uint8Array | undefined>;
}

/**
 * Content that was read once, judged and fingerprinted. Small files are held in memory; larger
 * ones stay open and are read again for the put, which fails with FILE_CHANGED if the bytes no
 * longer match the fingerprint (the last chunk is held back until that is known).
 */
export interface Content {
  /** Of what a download returns, as everything here but `stored`. */
  size: number;
  /** Lower-case hex. */
  sha256: string;
  /** From the bytes, with the name as a hint for text alone. */
  mimeType: string;
  /** The detected type's own extension, with its dot; else the name's if it is `[a-z0-9]{1,10}`; else empty. */
  extension: string;
  /** It is not what came in: an image was transformed. */
  isProcessed: boolean;
  /** There if it went through an image profile, even if it was best left as it was. */
  original?: Original;
  /** Of a transformed image: what it was made from, for a scanner, which sees more in it than in its pixels. */
  untransformed?: BodySource;
  body: BodySource;
  /** The form in which it is stored, made at the first call: what is stored already is never coded. */
  stored(): Promise<StoredForm>;
  /**
   * Only of a recognised image, whose bytes were not made: makes them. They may turn out different
   * from those that were made before, by another release of the image library.
   */
  remake?(): Promise<Content>;
  /** Closes the file; the spool of a stream goes with it. */
  close(): Promise<void>;
}

/** The bytes that a store gets. */
export interface StoredForm {
  body: BodySource;
  encoding: 'gzip' | null;
  /** Of these bytes; always with the SHA-256. */
  checksums: Checksums;
}
