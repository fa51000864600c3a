import { createHash } from 'node:crypto';
import type { ObjectRecord } from '../catalog/catalog.ts';
import { decodedContent } from '../content/decode.ts';
import { AssetError } from '../core/errors.ts';
import type { StorageBackend, StoredObject } from '../storage/backend.ts';
import { isStorageError } from '../storage/storage-error.ts';

/**
 * Whether the stored copy still is what its record says: asked of the store without reading the
 * bytes, unless only an ETag differs that may change without the content (LOCAL's modification
 * time); then the hash decides.
 * @throws StorageError if the store cannot tell
 */
export async function checkStoredCopy(
  store: StorageBackend,
  record: ObjectRecord,
  signal: AbortSignal,
): Promise<boolean> {
  let found: StoredObject;
  try {
    found = await store.stat(record.storagePath, { signal });
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return false;
    throw error;
  }
  if (found.size !== record.storedSize) return false;
  if (found.etag === record.etag) return true;
  if (store.features.listsChecksums) return sameChecksums(record, found);
  return (await hashOf(store, record, signal)) === record.sha256;
}

function sameChecksums(record: ObjectRecord, found: StoredObject): boolean {
  const pairs = [
    [record.storedSha256, found.checksums.sha256],
    [record.storedMd5, found.checksums.md5],
    [record.storedCrc32c, found.checksums.crc32c],
  ];
  const comparable = pairs.filter(([recorded, reported]) => recorded !== null && reported !== undefined);
  return comparable.length > 0 && comparable.every(([recorded, reported]) => recorded === reported);
}

async function hashOf(store: StorageBackend, record: ObjectRecord, signal: AbortSignal): Promise<string | undefined> {
  const { body } = await store.get(record.storagePath, { signal });
  const hash = createHash('sha256');
  try {
    for await (const chunk of decodedContent(body, record.contentEncoding)) hash.update(chunk);
  } catch (error) {
    if (error instanceof AssetError && error.code === 'BYTES_DAMAGED') return undefined;
    throw error;
  }
  return hash.digest('hex');
}
