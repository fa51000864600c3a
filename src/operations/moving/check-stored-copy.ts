import { createHash } from 'node:crypto';
import type { ObjectRecord } from '../../catalog/catalog.ts';
import { decodedContent } from '../../content/verification/decode.ts';
import { AssetError } from '../../core/errors.ts';
import type { StorageBackend, StoredObject } from '../../storage/backend.ts';
import { isStorageError } from '../../storage/storage-error.ts';
import type { OperationContext } from '../context.ts';

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
    if (isStorageError(error, 'NOT_FOUND', 'INTEGRITY')) return false;
    throw error;
  }
  const judgement = judgeReported(store, record, found);
  return judgement === 'hash' ? storedBytesMatch(store, record, signal) : judgement === 'same';
}

type RecordedFacts = Pick<ObjectRecord, 'storedSize' | 'etag' | 'storedSha256' | 'storedMd5' | 'storedCrc32c'>;

/** What the store's own report says of a copy; 'hash': only its bytes can tell. */
export function judgeReported(
  store: StorageBackend,
  record: RecordedFacts,
  found: StoredObject,
): 'same' | 'different' | 'hash' {
  if (found.size !== record.storedSize) return 'different';
  if (found.etag === record.etag) return 'same';
  const pairs = comparableChecksums(record, found);
  if (!store.features.listsChecksums || pairs.length === 0) return 'hash';
  return pairs.every(([recorded, reported]) => recorded === reported) ? 'same' : 'different';
}

export function sameChecksums(record: RecordedFacts, found: StoredObject): boolean {
  const pairs = comparableChecksums(record, found);
  return pairs.length > 0 && pairs.every(([recorded, reported]) => recorded === reported);
}

function comparableChecksums(record: RecordedFacts, found: StoredObject) {
  const pairs = [
    [record.storedSha256, found.checksums.sha256],
    [record.storedMd5, found.checksums.md5],
    [record.storedCrc32c, found.checksums.crc32c],
  ] as const;
  return pairs.filter(([recorded, reported]) => recorded !== null && reported !== undefined);
}

/**
 * Reads the bytes and compares their hash with the record: as stored where that is recorded, else decoded.
 * @throws StorageError, also if they end early
 */
export async function storedBytesMatch(
  store: StorageBackend,
  record: ObjectRecord,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { body } = await store.get(record.storagePath, signal === undefined ? {} : { signal });
  if (record.contentEncoding === null) return (await hashOf(body)) === record.sha256;
  if (record.storedSha256 !== null) return (await hashOf(body)) === record.storedSha256;
  try {
    return (await hashOf(decodedContent(body, record.contentEncoding))) === record.sha256;
  } catch (error) {
    if (error instanceof AssetError && error.code === 'BYTES_DAMAGED') return false;
    throw error;
  }
}

/** Whether the row still says of these bytes what it said when it was read. */
export async function isUnchanged(context: OperationContext, object: ObjectRecord): Promise<boolean> {
  const { id, backend, storagePath, state, etag } = object;
  const catalog = await context.catalog();
  const [row] = await catalog.inventory.at(backend, [storagePath]);
  return row?.id === id && row.state === state && row.etag === etag;
}

export async function hashOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body) hash.update(chunk);
  return hash.digest('hex');
}
