import type { ObjectRecord, StoredFacts } from '../../catalog/catalog.ts';
import { decodedAtOnce, decodedContent, decodedUnsummed } from '../../content/verification/decode.ts';
import { verifiedCoded } from '../../content/verification/verify-coded.ts';
import { verifiedBytes, verifiedContent } from '../../content/verification/verify-stream.ts';
import type { BodySource, Checksums } from '../../core/body.ts';
import { AssetError } from '../../core/errors.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { CopiedObject, OpenedObject, PutOptions, StorageBackend, StoredObject } from '../../storage/backend.ts';
import { isStorageError } from '../../storage/storage-error.ts';
import { factsOf } from '../upload/upload-bytes.ts';
import { sameChecksums, storedBytesMatch } from './check-stored-copy.ts';

interface CopySource {
  store: StorageBackend;
  object: ObjectRecord;
}

export interface CopyTarget {
  store: StorageBackend;
  storagePath: StorageKey;
  /** What a public object tells a browser; a private one says nothing. */
  headers?: PutOptions;
  /** Whatever bytes there are, though they are not the recorded ones. */
  asTheyAre?: boolean;
}

/** How the bytes travel. */
export interface CopyManner {
  /** false: always through us. */
  serverSide?: boolean;
  /** Store the content itself, whatever its bytes are coded in at the source. */
  decode?: boolean;
  durability?: PutOptions['durability'];
  onSession?: PutOptions['onSession'];
  /** Told of every chunk that passes through us before it is passed on; it may wait. */
  onChunk?: (bytes: number) => Promise<void> | undefined;
  /** Runs what holds a stream on each side, and may have it wait for others. */
  streaming?: <T>(work: () => Promise<T>) => Promise<T>;
  /** Told when either store turns a request away, which is then tried again. */
  onRetry?: () => void;
  /** The target store may fetch the bytes itself; told when one was given up that the store may be fetching still. */
  onUncertainPull?: () => void;
}

/** Read and verified as a whole before the put, which then needs no buffer of its own. */
const LARGEST_IN_MEMORY = 2 ** 20;

/** Only a store sees what such an URL answers. */
const READ_BY_A_STORE = {
  expiresIn: 60 * 60,
  downloadAs: 'object',
  inline: false,
  contentType: 'application/octet-stream',
};

/**
 * Copies the bytes of an object as they are stored, within the provider where that can be, and gives what the target
 * store reports of them once they are seen to be the recorded ones.
 * @throws AssetError BYTES_DAMAGED if they are not; StorageError
 */
export async function copyObject(
  source: CopySource,
  target: CopyTarget,
  signal: AbortSignal,
  manner: CopyManner = {},
): Promise<StoredFacts> {
  const decodes = manner.decode === true && target.asTheyAre !== true && source.object.contentEncoding !== null;
  const contentEncoding = decodes ? null : source.object.contentEncoding;
  const checksums = target.asTheyAre === true ? {} : checksumsOf(source.object, decodes);
  const { durability, onSession, onRetry } = manner;
  const options: PutOptions = {
    ifAbsent: true,
    contentType: 'application/octet-stream',
    ...target.headers,
    checksums,
    signal,
    ...(contentEncoding === null ? {} : { contentEncoding }),
    ...(durability === undefined ? {} : { durability }),
    ...(onSession === undefined ? {} : { onSession }),
    ...(onRetry === undefined ? {} : { onRetry }),
  };
  if (target.asTheyAre === true) {
    const damaged = await damagedBody(source, signal);
    return factsOf(await target.store.put(target.storagePath, damaged, options), contentEncoding);
  }
  const isOurs = decodes || manner.serverSide === false;
  const copied = isOurs ? undefined : await copyByStore(source, target, options, manner);
  if (copied !== undefined) return copied;
  const put = async (body: BodySource) =>
    factsOf(await target.store.put(target.storagePath, body, options), contentEncoding);
  // Few bytes may decode to many, if only to judge them.
  const largest = Math.max(source.object.size, source.object.storedSize);
  if (largest <= LARGEST_IN_MEMORY) return put(await inMemory(source, signal, manner));
  const stream = () => put(bodyOf(source, signal, manner));
  return manner.streaming === undefined ? stream() : manner.streaming(stream);
}

/** Of the bytes that are sent. */
function checksumsOf(object: ObjectRecord, decodes: boolean): Checksums {
  return decodes ? { sha256: object.sha256 } : knownChecksums(object);
}

/** Of the bytes as they are stored, as far as they are recorded. */
function knownChecksums({ contentEncoding, sha256, storedSha256, storedMd5, storedCrc32c }: ObjectRecord): Checksums {
  const ofBytes = storedSha256 ?? (contentEncoding === null ? sha256 : null);
  return {
    ...(ofBytes === null ? {} : { sha256: ofBytes }),
    ...(storedMd5 === null ? {} : { md5: storedMd5 }),
    ...(storedCrc32c === null ? {} : { crc32c: storedCrc32c }),
  };
}

/** Without the bytes passing through us; undefined where that cannot be. */
async function copyByStore(
  source: CopySource,
  target: CopyTarget,
  options: PutOptions,
  { onUncertainPull }: CopyManner,
): Promise<StoredFacts | undefined> {
  if (target.store.provider === source.store.provider) return copyWithin(source, target, options);
  return onUncertainPull === undefined ? undefined : copyPulled(source, target, options, onUncertainPull);
}

/** undefined where the provider cannot, or not from there. */
async function copyWithin(
  { store, object }: CopySource,
  target: CopyTarget,
  options: PutOptions,
): Promise<StoredFacts | undefined> {
  if (target.store.copyFrom === undefined) return undefined;
  let copy: CopiedObject;
  try {
    copy = await target.store.copyFrom(store, object.storagePath, target.storagePath, options);
  } catch (error) {
    if (isStorageError(error, 'UNSUPPORTED', 'DENIED')) return undefined;
    throw error;
  }
  return checkedFacts(object, target, copy, options);
}

/** The target store fetches the bytes itself; undefined where it cannot, or where nothing would prove what it got. */
async function copyPulled(
  { store, object }: CopySource,
  target: CopyTarget,
  options: PutOptions,
  onUncertainPull: () => void,
): Promise<StoredFacts | undefined> {
  const md5 = md5Of(store, object);
  if (target.store.pull === undefined || md5 === undefined || !isWorthAPull(store, object)) return undefined;
  const url = await urlForAStore(store, object.storagePath, options.signal);
  if (url === undefined) return undefined;
  let copy: StoredObject;
  try {
    copy = await target.store.pull({ url, size: object.storedSize, md5 }, target.storagePath, options);
  } catch (error) {
    // Refused: the bytes pass through us, where it is seen what is wrong with them.
    if (isStorageError(error) && !isStorageError(error, 'UNAVAILABLE', 'CONFLICT')) return undefined;
    onUncertainPull();
    throw error;
  }
  return checkedFacts({ ...object, storedMd5: md5 }, target, copy, options);
}

/** undefined if it cannot be signed, for whatever reason, an SDK's own included: reading needs less than that. */
async function urlForAStore(
  store: StorageBackend,
  key: StorageKey,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    return (await store.sign(key, READ_BY_A_STORE)).url;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    signal?.throwIfAborted();
    return undefined;
  }
}

/**
 * S3 has no MD5, but its ETag is one where bytes came in one part and no key of KMS encrypts them. It proves as much as
 * a recorded MD5 once it is the MD5 of what arrived.
 */
function md5Of({ provider }: StorageBackend, { storedMd5, etag }: ObjectRecord): string | undefined {
  if (storedMd5 !== null) return storedMd5;
  return provider === 'AWS_S3' && /^[0-9a-f]{32}$/.test(etag) ? etag : undefined;
}

/** A signed URL may lead to decoded content; one that needs `serve` is seldom within a provider's reach. */
function isWorthAPull(store: StorageBackend, { contentEncoding, storedSize }: ObjectRecord): boolean {
  const isReachable = store.features.signs && store.answers === undefined;
  return isReachable && contentEncoding === null && storedSize > LARGEST_IN_MEMORY;
}

/** @throws AssetError BYTES_DAMAGED unless the copy is what is recorded */
async function checkedFacts(
  object: ObjectRecord,
  target: CopyTarget,
  copy: CopiedObject,
  { signal }: PutOptions,
): Promise<StoredFacts> {
  const facts = factsOf(copy, object.contentEncoding);
  const record = { ...object, ...facts, storagePath: target.storagePath };
  const known = { ...object, storedSha256: knownChecksums(object).sha256 ?? null };
  const isReported = sameChecksums(known, copy) || (copy.hasEtagOfParts === true && copy.etag === object.etag);
  const isSame = isReported || (await storedBytesMatch(target.store, record, signal));
  if (isSame && copy.size === object.storedSize) return facts;
  throw new AssetError('BYTES_DAMAGED', `The bytes of ${object.storagePath} do not match their record`, {
    hint: 'See what is damaged: asset-cli verify --deep',
  });
}

async function damagedBody({ store, object }: CopySource, signal: AbortSignal): Promise<BodySource> {
  const { size } = await store.stat(object.storagePath, { signal });
  return {
    size,
    async *open() {
      yield* (await store.get(object.storagePath, { signal })).body;
    },
  };
}

/** Read anew for each try of the put; bytes that are not the recorded ones end it before anything is visible. */
function bodyOf(source: CopySource, signal: AbortSignal, manner: CopyManner): BodySource {
  const { object } = source;
  const decodes = manner.decode === true && object.contentEncoding !== null;
  return {
    size: decodes ? object.size : object.storedSize,
    async *open() {
      const { body } = await openSource(source, signal, manner);
      for await (const chunk of decodes ? decodedAndVerified(object, body) : verifiedAsStored(object, body)) {
        await manner.onChunk?.(chunk.byteLength);
        yield chunk;
      }
    },
  };
}

function openSource(
  { store, object }: CopySource,
  signal: AbortSignal,
  { onRetry }: CopyManner,
): Promise<OpenedObject> {
  const told = onRetry === undefined ? {} : { onRetry };
  // What is decoded on the way is not given back.
  const lending = object.contentEncoding === null ? { lends: 'parts' as const } : {};
  return store.get(object.storagePath, { size: object.storedSize, ...lending, signal, ...told });
}

function decodedAndVerified(
  { size, sha256, contentEncoding }: ObjectRecord,
  body: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  return verifiedContent(decodedContent(body, contentEncoding), { size, sha256 });
}

/** Coded bytes that have no hash of their own are judged by what they decode to. */
function verifiedAsStored(
  { size, sha256, storedSize, storedSha256, contentEncoding }: ObjectRecord,
  body: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  if (contentEncoding === null) return verifiedContent(body, { size, sha256 });
  if (storedSha256 !== null) return verifiedContent(body, { size: storedSize, sha256: storedSha256 });
  return verifiedCoded(body, contentEncoding, { size, sha256 });
}

/** Streams and iterators would cost more than all else that is done for a small object. */
async function inMemory(source: CopySource, signal: AbortSignal, manner: CopyManner): Promise<BodySource> {
  const { size, sha256, storedSize, storedSha256, contentEncoding } = source.object;
  const opened = await openSource(source, signal, manner);
  const stored = Buffer.concat(opened.held ?? (await collect(opened.body)));
  const ofStored = contentEncoding === null ? sha256 : storedSha256;
  if (ofStored !== null) verifiedBytes(stored, { size: storedSize, sha256: ofStored });
  let bytes: Uint8Array = stored;
  if (contentEncoding !== null && (manner.decode === true || ofStored === null)) {
    const decoded = (manner.decode === true ? decodedUnsummed : decodedAtOnce)(stored, contentEncoding, size);
    const content = verifiedBytes(decoded, { size, sha256 });
    if (manner.decode === true) bytes = content;
  }
  if (bytes.byteLength > 0) await manner.onChunk?.(bytes.byteLength);
  return {
    size: bytes.byteLength,
    bytes,
    async *open() {
      yield bytes;
    },
  };
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks;
}
