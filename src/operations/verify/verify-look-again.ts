import type { InventoryRow } from '../../catalog/catalog.ts';
import { MARKER_KEY } from '../../core/marker-key.ts';
import { bytesAre } from '../../core/size.ts';
import { keyOfOrganization, keyOrganization, parseStorageKey } from '../../core/storage-key.ts';
import type { StorageBackend, StoredObject } from '../../storage/backend.ts';
import { isStorageError, type StorageError, type StorageErrorKind } from '../../storage/storage-error.ts';
import { judgeReported, storedBytesMatch } from '../moving/check-stored-copy.ts';
import { gracePeriod } from '../stopping.ts';
import type { Finding, FindingKind, Suspect, Verification } from './verify-run.ts';

/** Younger bytes may be of an upload whose row a stale comparison did not see; older ones are nobody's. */
const ORPHAN_GRACE_MILLISECONDS = 24 * 3_600_000;

/** What a fresh look at the row and at the store says of a suspect. */
export type Verdict =
  | { kind: 'fine' }
  /** The same bytes under another ETag: the record is a little out of date. */
  | { kind: 'touched'; row: InventoryRow; etag: string }
  /** Marked as damaged, and whole again. */
  | { kind: 'healed'; row: InventoryRow }
  | { kind: 'finding'; finding: Finding; row: InventoryRow | undefined; found: StoredObject | undefined }
  /** The store did not say. */
  | { kind: 'unknown'; suspect: Suspect; error: StorageError };

/** What keeps one object from being looked at, and need not keep the others: a right, a bad sector, a bad moment. */
const OF_ONE_OBJECT: readonly StorageErrorKind[] = ['DENIED', 'UNAVAILABLE'];

/**
 * As lookAgain; of an object that cannot be looked at, while the store answers otherwise, that it is unknown.
 * @throws StorageError if the store does not answer
 */
export async function examineSuspect(verification: Verification, suspect: Suspect): Promise<Verdict> {
  try {
    return await lookAgain(verification, suspect);
  } catch (error) {
    const { store, context } = verification;
    if (context.signal.aborted || !isStorageError(error, ...OF_ONE_OBJECT)) throw error;
    await store.stat(parseStorageKey(MARKER_KEY));
    return { kind: 'unknown', suspect, error };
  }
}

/**
 * Looks again, because rows and listing were read at different times: a suspect is a finding only if it still is one
 * by its row and its bytes as they are now.
 * @throws StorageError if the store cannot tell
 */
export async function lookAgain(verification: Verification, suspect: Suspect): Promise<Verdict> {
  const { context, store } = verification;
  const { kind, path } = suspect;
  const catalog = await context.catalog();
  const [row] = await catalog.inventory.at(store.name, [path]);
  if (row === undefined) return kind === 'bytes' ? lookAtOrphan(verification, path) : { kind: 'fine' };
  if (row.leaseHasRunOut) {
    return asFinding(verification, 'abandoned', row, undefined, `${row.state}, its lease ran out`);
  }
  return row.state === 'STORED' ? lookAtStored(verification, row) : { kind: 'fine' };
}

async function lookAtOrphan(verification: Verification, path: string): Promise<Verdict> {
  const { store } = verification;
  if (await isOfTwin(verification, path)) return { kind: 'fine' };
  const found = await statIfThere(store, parseStorageKey(path));
  if (found === undefined || 'inItsPlace' in found) return { kind: 'fine' };
  if (Date.now() - found.lastModified.getTime() < ORPHAN_GRACE_MILLISECONDS) return { kind: 'fine' };
  const finding: Finding = {
    kind: 'orphaned',
    backend: store.name,
    storagePath: found.key,
    organizationId: keyOrganization(found.key),
    objectId: null,
    assetIds: [],
    bytes: found.size,
    detail: `no row knows it; stored ${found.lastModified.toISOString()}`,
    repair: null,
  };
  return { kind: 'finding', finding, row: undefined, found };
}

/**
 * Whether it is an object of an organisation whose name differs in case alone: a file system that ignores case keeps both
 * in one directory, and lists their keys under the name of the first. All else in a key of ours is in lower case.
 */
async function isOfTwin({ context, store, organizations }: Verification, path: string): Promise<boolean> {
  const name = keyOrganization(path);
  const ignoringCase = name.toLowerCase();
  const twins = (await organizations()).filter((each) => each !== name && each.toLowerCase() === ignoringCase);
  if (twins.length === 0) return false;
  const catalog = await context.catalog();
  const rows = await catalog.inventory.at(
    store.name,
    twins.map((twin) => keyOfOrganization(path, twin)),
  );
  return rows.length > 0;
}

async function statIfThere(
  store: StorageBackend,
  key: StoredObject['key'],
): Promise<StoredObject | { inItsPlace: string } | undefined> {
  try {
    return await store.stat(key);
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return undefined;
    if (isStorageError(error, 'INTEGRITY')) return { inItsPlace: error.message };
    throw error;
  }
}

async function lookAtStored(verification: Verification, row: InventoryRow): Promise<Verdict> {
  const { store, request, context } = verification;
  const found = await statIfThere(store, row.storagePath);
  if (found === undefined) return asFinding(verification, 'missing', row, undefined, 'the store has no such object');
  if ('inItsPlace' in found) return asFinding(verification, 'corrupt', row, undefined, found.inItsPlace);
  const reported = judgeReported(store, row, found);
  if (reported === 'different') {
    return asFinding(verification, 'corrupt', row, found, differenceOf(row, found));
  }
  // What was marked is whole again only if its bytes say so: its size and time may have been right all along.
  if (reported === 'hash' || request.deep || row.damagedAt !== null) {
    const matches = await bytesMatch(store, row, gracePeriod(context.signal));
    if (matches === 'gone') return lookAtStored(verification, row);
    if (!matches) return asFinding(verification, 'corrupt', row, found, 'the hash of the bytes differs');
  }
  if (row.damagedAt !== null) return { kind: 'healed', row };
  return found.etag === row.etag ? { kind: 'fine' } : { kind: 'touched', row, etag: found.etag };
}

async function bytesMatch(store: StorageBackend, row: InventoryRow, signal: AbortSignal): Promise<boolean | 'gone'> {
  try {
    return await storedBytesMatch(store, row, signal);
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return 'gone';
    if (isStorageError(error, 'INTEGRITY')) return false;
    throw error;
  }
}

function differenceOf(row: InventoryRow, found: StoredObject): string {
  if (found.size !== row.storedSize) return `${bytesAre(found.size)} stored, ${row.storedSize} recorded`;
  return "the store's checksum differs from the recorded one";
}

/** The row may have changed while the bytes were looked at: then what was seen is of the past. */
async function asFinding(
  { context, store }: Verification,
  kind: FindingKind,
  row: InventoryRow,
  found: StoredObject | undefined,
  detail: string,
): Promise<Verdict> {
  const catalog = await context.catalog();
  const [now] = await catalog.inventory.at(store.name, [row.storagePath]);
  if (now?.id !== row.id || now.state !== row.state || now.etag !== row.etag) return { kind: 'fine' };
  const assets = await catalog.inventory.assetsOn([row.id]);
  const finding: Finding = {
    kind,
    backend: store.name,
    storagePath: row.storagePath,
    organizationId: row.organizationId,
    objectId: row.id,
    assetIds: assets.map(({ assetId }) => assetId),
    bytes: row.storedSize,
    detail,
    repair: null,
  };
  return { kind: 'finding', finding, row, found };
}
