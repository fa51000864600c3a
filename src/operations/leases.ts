import type { Catalog, ClaimedObject } from '../catalog/catalog.ts';
import { asError } from '../core/errors.ts';
import type { StorageBackend } from '../storage/backend.ts';
import { isStorageError } from '../storage/storage-error.ts';
import type { OperationContext } from './context.ts';

/** Holds an object for this process. */
export interface HeldClaim {
  objectId: string;
  claim: string;
}

/**
 * Renews the leases of the claims three times a lease for as long as `work` runs, so that nobody
 * takes over what is still alive. A renewal that fails is tried again at the next turn; the
 * transaction that uses the claim checks it anyway.
 */
export async function whileHolding<T>(
  context: OperationContext,
  claims: readonly HeldClaim[],
  work: () => Promise<T>,
): Promise<T> {
  const catalog = await context.catalog();
  return whileRenewing(context, () => catalog.uploads.renew(claims, context.leaseSeconds), work);
}

/** The same for claims of any kind. */
export async function whileRenewing<T>(
  context: OperationContext,
  renew: () => Promise<void>,
  work: () => Promise<T>,
): Promise<T> {
  let renewing = Promise.resolve();
  const timer = setInterval(
    () => {
      renewing = renewing.then(() => renewOrWarn(context, renew));
    },
    (context.leaseSeconds * 1000) / 3,
  );
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await renewing;
  }
}

async function renewOrWarn(context: OperationContext, renew: () => Promise<void>): Promise<void> {
  try {
    await renew();
  } catch (error) {
    context.warn(`a lease could not be renewed and is tried again: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Removes the bytes of DELETING objects and then their rows.
 * @returns the objects whose bytes could not be removed now; `purge-expired` comes back to them.
 */
export async function removeBytes(
  context: OperationContext,
  store: StorageBackend,
  objects: readonly ClaimedObject[],
): Promise<{ object: ClaimedObject; error: Error }[]> {
  if (objects.length === 0) return [];
  const failures = await deleteKeys(store, objects);
  const failedKeys = new Map(failures.map((failure) => [failure.key as string, failure.error]));
  const removed = objects.filter((object) => !failedKeys.has(object.storagePath));
  const catalog = await context.catalog();
  const unfinished = await finishRows(catalog, removed);
  if (unfinished !== undefined) for (const { storagePath } of removed) failedKeys.set(storagePath, unfinished);
  return objects.flatMap((object) => {
    const error = failedKeys.get(object.storagePath);
    return error === undefined ? [] : [{ object, error }];
  });
}

/** The bytes are gone; a row that stays is finished by purge-expired, and the asset is gone either way. */
async function finishRows(catalog: Catalog, removed: readonly ClaimedObject[]): Promise<Error | undefined> {
  if (removed.length === 0) return undefined;
  try {
    await catalog.deletes.finish(removed);
    return undefined;
  } catch (error) {
    return asError(error);
  }
}

async function deleteKeys(store: StorageBackend, objects: readonly ClaimedObject[]) {
  const keys = objects.map((object) => object.storagePath);
  try {
    return await store.deleteMany(keys);
  } catch (error) {
    if (!isStorageError(error)) throw error;
    return keys.map((key) => ({ key, error }));
  }
}
