import type { BackendRecord, Catalog } from '../../catalog/catalog.ts';
import { AssetError } from '../../core/errors.ts';
import { once } from '../../core/once.ts';
import type { StorageBackend } from '../../storage/backend.ts';
import { findStoreAround, findStoreInside, putMarker, readMarker, type StoreMarker } from '../../storage/marker.ts';
import { isStorageError } from '../../storage/storage-error.ts';
import type { BackendPool, OperationContext } from '../context.ts';
import { asAssetError } from './storage-failure.ts';

const checkedStores = new WeakMap<BackendPool, Map<string, () => Promise<StorageBackend>>>();

/**
 * Opens a backend and makes sure, once per command, that it is the store it was: its marker names
 * this catalog and this backend. Comes before any put, delete or belief in a missing object, so
 * that an unmounted disk, a changed prefix or another catalog's bucket can harm nothing.
 * @throws AssetError STORE_NOT_OURS, STORE_NOT_FOUND, or whatever the store answers
 */
export function openOwnStore(context: OperationContext, name: string): Promise<StorageBackend> {
  let stores = checkedStores.get(context.backends);
  if (stores === undefined) {
    stores = new Map();
    checkedStores.set(context.backends, stores);
  }
  const known = stores.get(name);
  if (known !== undefined) return known();
  const open = once(() => openAndCheck(context, name));
  stores.set(name, open);
  return open();
}

async function openAndCheck(context: OperationContext, name: string): Promise<StorageBackend> {
  const backend = await context.backends.open(name);
  const catalog = await context.catalog();
  const record = await catalog.backends.register(name, backend.provider);
  const ours = markerFor(catalog, record);
  try {
    if (await isUnclaimed(backend, record, ours)) {
      const written = await putMarker(backend, ours);
      if (!isSameStore(written, ours)) throw notOurs(name, 'another catalog took it at the same time', OWN_PLACE);
    }
  } catch (error) {
    throw asAssetError(error);
  }
  if (record.markedAt === null) await catalog.backends.setMarked(name, record.backendId);
  return backend;
}

/**
 * Opens a backend that is not in use yet and makes sure that it may be: it is nobody's store, or
 * already this catalog's under that name. Neither the store nor the catalog is changed.
 * @throws AssetError STORE_NOT_OURS, or whatever the store answers
 */
export async function openCandidate(context: OperationContext, name: string): Promise<StorageBackend> {
  const backend = await context.backends.open(name);
  const catalog = await context.catalog();
  const record = await catalog.backends.find(name);
  try {
    await isUnclaimed(backend, record, record === undefined ? undefined : markerFor(catalog, record));
  } catch (error) {
    throw forCandidate(asAssetError(error));
  }
  return backend;
}

/** There is no configuration yet with which it could be taken over. */
function forCandidate(error: Error): Error {
  if (!(error instanceof AssetError) || error.code !== 'STORE_NOT_OURS') return error;
  const details = error.details ?? {};
  return new AssetError(error.code, error.message, { hint: OWN_PLACE, details, cause: error });
}

/** Whether the store has no marker yet and may get ours; false if it has ours. */
async function isUnclaimed(
  backend: StorageBackend,
  record: BackendRecord | undefined,
  ours: StoreMarker | undefined,
): Promise<boolean> {
  const marker = await readOurMarker(backend);
  if (marker !== undefined) {
    if (ours !== undefined && isSameStore(marker, ours)) return false;
    throw notOurs(backend.name, 'it belongs to another catalog or backend', checkAndAdopt(backend.name));
  }
  if (record !== undefined && record.markedAt !== null) {
    throw notOurs(backend.name, 'its marker object is missing', refillOrAdopt(backend.name));
  }
  await refuseOverlap(backend);
  return true;
}

/** What stands in place of a marker but is none means someone else's store too, or no store at all. */
async function readOurMarker(backend: StorageBackend): Promise<StoreMarker | undefined> {
  try {
    return await readMarker(backend);
  } catch (error) {
    if (isStorageError(error, 'INTEGRITY')) throw notOurs(backend.name, error.message, checkAndAdopt(backend.name));
    throw error;
  }
}

/** A store inside another, or around one, would count the other's objects as its own. */
export async function refuseOverlap(backend: StorageBackend): Promise<void> {
  const around = await findStoreAround(backend);
  if (around !== undefined)
    throw notOurs(backend.name, `it lies inside another store, whose marker is ${around}`, OWN_PLACE);
  const inside = await findStoreInside(backend);
  if (inside !== undefined)
    throw notOurs(backend.name, `another store lies inside it, whose marker is ${inside}`, OWN_PLACE);
}

function isSameStore(one: StoreMarker, other: StoreMarker): boolean {
  return one.catalogId === other.catalogId && one.backendId === other.backendId;
}

/** What the marker of this catalog's store says. */
export function markerFor(catalog: Catalog, record: BackendRecord): StoreMarker {
  return { catalogId: catalog.catalogId, backendId: record.backendId, format: 1 };
}

const OWN_PLACE =
  'Give the backend a directory, bucket or prefix of its own, neither inside another store nor around one.';

function checkAndAdopt(name: string): string {
  return `Check path, bucket and prefix. If the store shall be this catalog's, take it over: asset-cli doctor --adopt ${name}`;
}

/** An empty directory under a disk that is not mounted looks just so. */
function refillOrAdopt(name: string): string {
  return `Mount the disk, or check path, bucket and prefix. If it was emptied, go on with it: asset-cli doctor --adopt ${name}`;
}

function notOurs(name: string, reason: string, hint: string): AssetError {
  return new AssetError('STORE_NOT_OURS', `Backend "${name}" is not the store that this catalog knows: ${reason}`, {
    hint,
    details: { backend: name },
  });
}
