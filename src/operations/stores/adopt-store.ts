import type { Catalog } from '../../catalog/catalog.ts';
import { decideOnMaintenance } from '../../core/access-policy.ts';
import { AssetError } from '../../core/errors.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { StorageBackend } from '../../storage/backend.ts';
import { putMarker } from '../../storage/marker.ts';
import { isStorageError } from '../../storage/storage-error.ts';
import type { OperationContext } from '../context.ts';
import { markerFor, refuseOverlap } from './own-store.ts';
import { asAssetError } from './storage-failure.ts';

/** Of the catalog's objects, how many are looked for in a store that was taken over. */
const SAMPLE = 20;

/**
 * Takes a store over for this catalog: a new backend id, and its marker replaced.
 * @returns how many objects of the catalog were looked for in it, and how many of them are there
 * @throws AssetError NOT_PERMITTED, STORE_NOT_OURS for nested stores, or what the store answers
 */
export async function adoptStore(context: OperationContext, name: string): Promise<{ sought: number; found: number }> {
  if (decideOnMaintenance(context.identity, 'adopt-store') === 'deny') {
    throw new AssetError('NOT_PERMITTED', 'Only an operator may take a store over', { hint: 'Use --role operator.' });
  }
  const store = await context.backends.open(name);
  const catalog = await context.catalog();
  try {
    await refuseOverlap(store);
    const record = await catalog.backends.adopt(name, store.provider, context.identity, context.audit);
    await putMarker(store, markerFor(catalog, record), { replace: true });
    await catalog.backends.setMarked(name, record.backendId);
    return await lookForObjects(catalog, store);
  } catch (error) {
    throw asAssetError(error);
  }
}

async function lookForObjects(catalog: Catalog, store: StorageBackend): Promise<{ sought: number; found: number }> {
  const page = await catalog.inventory.page({ backend: store.name, prefix: '', withChecksums: false }, SAMPLE * 5);
  const stored = page.filter(({ standing }) => standing === 'stored' || standing === 'damaged').slice(0, SAMPLE);
  const present = await Promise.all(stored.map(({ storagePath }) => isThere(store, storagePath)));
  return { sought: stored.length, found: present.filter(Boolean).length };
}

async function isThere(store: StorageBackend, key: StorageKey): Promise<boolean> {
  try {
    await store.stat(key);
    return true;
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return false;
    throw error;
  }
}
