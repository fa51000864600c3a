import type { Readable } from 'node:stream';
import type { StorageProvider } from '../core/asset.ts';
import type { BodySource, ChecksumName, Checksums } from '../core/body.ts';
import type { StorageKey } from '../core/storage-key.ts';

/** What a backend can do, asked for by callers instead of a provider's name. */
export interface BackendFeatures {
  /** The checksums that the store verifies on put when we send them, and reports afterwards. */
  readonly checksums: readonly ChecksumName[];
  /** The listing alone tells of changed content (checksum or a content ETag). */
  readonly listsChecksums: boolean;
  /** put honours durability 'group', and flush() exists. */
  readonly groupDurability: boolean;
  /** Calls at once that suit it: few for a disk, more where each answer has to travel. */
  readonly concurrency: number;
  /** Where there is no store yet, the first put makes it. */
  readonly madeByPut?: true;
  /** One answer comes slower than the store and the line can go: a large object is read in several ranges at once. */
  readonly readsInParts?: true;
  /** Signed URLs can be had at all. */
  readonly signs: boolean;
  /** Bytes stored with a content encoding reach whoever reads by a signed URL decoded, unless they accept it. */
  readonly decodesForReaders?: true;
}

export interface CallOptions {
  signal?: AbortSignal;
  /** Told each time the store does not take the call and it will be tried again. */
  onRetry?: () => void;
}

export interface PutOptions extends CallOptions {
  /** Reject with CONFLICT if something is stored under the key. */
  ifAbsent?: boolean;
  contentType?: string;
  contentEncoding?: string;
  cacheControl?: string;
  contentDisposition?: string;
  /** Of the whole body; the store checks the ones it can. A mismatch rejects with INTEGRITY. */
  checksums?: Checksums;
  /**
   * 'each' (default): durable when the promise resolves. 'group': durable after the flush() of this key,
   * only where features.groupDurability.
   */
  durability?: 'each' | 'group';
  /** Told as soon as a multipart session exists, so that the catalog can record it. */
  onSession?: (sessionId: string) => Promise<void>;
}

export interface GetOptions extends CallOptions {
  /** Both inclusive, zero-based; `end` beyond the object is clamped, `start` beyond it rejects with INTEGRITY. */
  range?: { start: number; end?: number };
  /** Reject with CONFLICT if the store reports another ETag. */
  ifMatch?: string;
  /** Bytes as stored, where the caller knows them; a hint only. */
  size?: number;
  /** Read all of it into this memory, if it fits, before get answers. Nothing is written there once get has settled. */
  into?: Buffer;
  /**
   * Memory for a long body, whose chunks are these pieces, filled in turn (the last as far as it goes); what no piece is
   * left for comes in memory of its own. Nothing is written there once the body has closed.
   */
  pieces?: () => Buffer | undefined;
  /**
   * Chunks may lie in memory that is lent (core/lent-memory.ts): whoever uses them last gives them back. 'whole' is for
   * whoever reads one object at a time: one answer brings it, unless it comes slowly.
   */
  lends?: 'parts' | 'whole';
}

export interface ListOptions extends CallOptions {
  /** Only keys after this one, in byte order. */
  startAfter?: string;
}

/** An object as the store reports it. */
export interface StoredObject {
  key: StorageKey;
  /** Bytes as stored. */
  size: number;
  /** Opaque; compared for equality only. LOCAL: size and modification time in nanoseconds. */
  etag: string;
  lastModified: Date;
  /** Only what the store itself reports. */
  checksums: Checksums;
  contentType?: string;
  contentEncoding?: string;
}

/** Many objects that follow each other in a listing. */
export interface ListedStretch {
  /** Of each `<key>\n<size> <etag>\n`: what says the same is the same. */
  text: string;
  count: number;
  /** Behind the stretch before and up to this name, which need not be a key, the store holds these and no others. */
  last: string;
  objects(): StoredObject[];
}

export interface OpenedObject {
  readonly object: StoredObject;
  readonly body: Readable;
  /** All of the bytes, where they came at once: whoever takes them needs no stream. */
  readonly held?: readonly Uint8Array[];
}

export interface DeleteFailure {
  key: StorageKey;
  error: Error;
}

export interface SignOptions extends CallOptions {
  /** Seconds from now. */
  expiresIn: number;
  /** The name a browser saves it under. */
  downloadAs: string;
  inline: boolean;
  contentType: string;
}

export interface SignedUrl {
  url: string;
  expiresAt: Date;
}

/** Bytes that somebody else may fetch. */
export interface PullSource {
  /** Signed; readable for as long as that takes. */
  url: string;
  size: number;
  /** Of the bytes, lowercase hex. */
  md5: string;
}

export interface AbandonedUpload {
  id: string;
  key: string;
  startedAt: Date;
  discard(): Promise<void>;
}

/** What a store has copied. */
export interface CopiedObject extends StoredObject {
  /** Its ETag is made of the MD5s that the store told of each part that it copied: the same ETag is the same content. */
  hasEtagOfParts?: boolean;
}

/**
 * A place that holds bytes. Seven duties, a few optional powers; callers ask for a power, never
 * for a provider's name. Every rejection is a StorageError, except that an aborted call rejects with
 * its signal's reason and a put with its body's own error; each backend translates its SDK's
 * errors in one place and never retries by itself (storage/retry.ts does, once, from outside).
 */
export interface StorageBackend {
  /** The name it has in the configuration. */
  readonly name: string;
  readonly provider: StorageProvider;
  readonly features: BackendFeatures;

  /** Nothing is visible under the key when it rejects. */
  put(key: StorageKey, body: BodySource, options?: PutOptions): Promise<StoredObject>;
  /** NOT_FOUND before the first byte, never as a late stream error. */
  get(key: StorageKey, options?: GetOptions): Promise<OpenedObject>;
  stat(key: StorageKey, options?: CallOptions): Promise<StoredObject>;
  /** Keys in byte order that begin with the literal prefix; pages are hidden. */
  list(prefix: string, options?: ListOptions): AsyncIterable<StoredObject>;
  /** In the provider's batches; an absent key is a success. */
  deleteMany(keys: readonly StorageKey[], options?: CallOptions): Promise<DeleteFailure[]>;
  sign(key: StorageKey, options: SignOptions): Promise<SignedUrl>;
  close(): Promise<void>;

  /** Within a provider, without the bytes passing through us. */
  copyFrom?(source: StorageBackend, key: StorageKey, target: StorageKey, options?: PutOptions): Promise<CopiedObject>;
  /**
   * The store fetches the bytes of another provider's store by itself, and compares their MD5. Without one in the
   * result it has not told what it computed. UNSUPPORTED where it cannot, or not from there.
   */
  pull?(source: PullSource, target: StorageKey, options?: PutOptions): Promise<StoredObject>;
  /**
   * Reads an object of exactly `size` bytes at once, where that takes less time than a promise of it.
   * @param memory of more than `size` bytes
   * @returns whether the memory begins with it; if not, get() tells why
   */
  readNow?(key: StorageKey, size: number, memory: Uint8Array): boolean;
  /** What list() yields, many at a time: to be compared with the catalog at once, without an object made of each. */
  listStretches?(prefix: string, options?: ListOptions): AsyncIterable<ListedStretch>;
  /** Unfinished multipart uploads or temporary files that an interrupted put left behind. */
  abandonedUploads?(olderThan: Date): AsyncIterable<AbandonedUpload>;
  /** Makes these puts of durability 'group' durable, and no others. */
  flush?(keys: readonly StorageKey[]): Promise<void>;
  /** Bytes, where a store can run full. */
  space?(): Promise<{ free: number; total: number }>;
  /** Whether what has to answer its signed URLs does; absent where the store itself answers. */
  answers?(): Promise<boolean>;
  /** Where the marker of a store around this one lies (a parent directory, a shorter prefix); undefined if none. */
  enclosingMarker?(): Promise<string | undefined>;
}
