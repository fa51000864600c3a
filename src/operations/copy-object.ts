import type { ObjectRecord, StoredFacts } from '../catalog/catalog.ts';
import { verifiedContent } from '../content/verify-stream.ts';
import type { BodySource, Checksums } from '../core/body.ts';
import { AssetError } from '../core/errors.ts';
import type { StorageKey } from '../core/storage-key.ts';
import type { PutOptions, StorageBackend, StoredObject } from '../storage/backend.ts';
import { isStorageError } from '../storage/storage-error.ts';
import { sameChecksums, storedBytesMatch } from './check-stored-copy.ts';
import { factsOf } from './upload-bytes.ts';

export interface CopyTarget {
  store: StorageBackend;
  storagePath: StorageKey;
  isPublic: boolean;
  contentType?: string;
  /** Whatever bytes there are, though they are not the recorded ones. */
  asTheyAre?: boolean;
}

/**
 * Copies the bytes of an object as they are stored, within the provider where that can be, and gives what the target
 * store reports of them once they are seen to be the recorded ones.
 * @throws AssetError BYTES_DAMAGED if they are not; StorageError
 */
export async function copyObject(
  source: { store: StorageBackend; object: ObjectRecord },
  target: CopyTarget,
  signal: AbortSignal,
): Promise<StoredFacts> {
  const checksums = target.asTheyAre === true ? {} : knownChecksums(source.object);
  const { contentEncoding } = source.object;
  const options: PutOptions = {
    ifAbsent: true,
    contentType: target.isPublic ? (target.contentType ?? 'application/octet-stream') : 'application/octet-stream',
    checksums,
    signal,
    ...(contentEncoding === null ? {} : { contentEncoding }),
  };
  if (target.asTheyAre === true) {
    const damaged = await damagedBody(source, signal);
    return factsOf(await target.store.put(target.storagePath, damaged, options), contentEncoding);
  }
  const copied = await copyWithin(source, target, options);
  if (copied !== undefined) return copied;
  return factsOf(await target.store.put(target.storagePath, bodyOf(source, signal), options), contentEncoding);
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

/** undefined where the provider cannot, or not from there. */
async function copyWithin(
  { store, object }: { store: StorageBackend; object: ObjectRecord },
  target: CopyTarget,
  options: PutOptions,
): Promise<StoredFacts | undefined> {
  if (target.store.copyFrom === undefined || target.store.provider !== store.provider) return undefined;
  let copy: StoredObject;
  try {
    copy = await target.store.copyFrom(store, object.storagePath, target.storagePath, options);
  } catch (error) {
    if (isStorageError(error, 'UNSUPPORTED', 'DENIED')) return undefined;
    throw error;
  }
  const facts = factsOf(copy, object.contentEncoding);
  const record = { ...object, ...facts, storagePath: target.storagePath };
  const isSame = sameChecksums(object, copy) || (await storedBytesMatch(target.store, record, options.signal));
  if (isSame && copy.size === object.storedSize) return facts;
  throw new AssetError('BYTES_DAMAGED', `The bytes of ${object.storagePath} do not match their record`, {
    hint: 'See what is damaged: asset-cli verify --deep',
  });
}

async function damagedBody(
  { store, object }: { store: StorageBackend; object: ObjectRecord },
  signal: AbortSignal,
): Promise<BodySource> {
  const { size } = await store.stat(object.storagePath, { signal });
  return {
    size,
    async *open() {
      yield* (await store.get(object.storagePath, { signal })).body;
    },
  };
}

/** Read anew for each try of the put; bytes that are not the recorded ones end it before anything is visible. */
function bodyOf({ store, object }: { store: StorageBackend; object: ObjectRecord }, signal: AbortSignal): BodySource {
  const { storedSize: size, contentEncoding, storedSha256, sha256 } = object;
  const expected = storedSha256 ?? (contentEncoding === null ? sha256 : null);
  return {
    size,
    async *open() {
      const { body } = await store.get(object.storagePath, { signal });
      if (expected === null) yield* body;
      else yield* verifiedContent(body, { size, sha256: expected });
    },
  };
}
