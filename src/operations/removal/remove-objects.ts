import type { ClaimedObject } from '../../catalog/catalog.ts';
import { AssetError } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';
import { removeBytes, whileHolding } from '../leases.ts';
import { openOwnStore } from '../stores/own-store.ts';
import { asAssetError, requestIdOf } from '../stores/storage-failure.ts';

/** Batches whose bytes go at once: a store answers one after seconds, and takes others meanwhile. */
export const REMOVALS_AT_ONCE = 10;

/**
 * Removes the bytes of DELETING objects from their stores, then their rows, while their leases are renewed.
 * @returns why, by object id, for those whose bytes are still there; `purge-expired` comes back to them.
 */
export async function removeObjects(
  context: OperationContext,
  objects: readonly ClaimedObject[],
): Promise<Map<string, Error>> {
  const stuck = new Map<string, Error>();
  if (objects.length === 0) return stuck;
  const byBackend = groupByBackend(objects);
  await whileHolding(context, objects, async () => {
    for (const [backend, those] of byBackend) {
      const store = await openOwnStore(context, backend);
      for (const { object, error } of await removeBytes(context, store, those)) stuck.set(object.objectId, error);
    }
  });
  return stuck;
}

/** What a user is told of an asset that is gone while its bytes are not. */
export function bytesRemain(id: string, reason: Error): AssetError {
  return new AssetError('BYTES_REMAIN', `Asset ${id} is gone, its bytes follow with purge-expired`, {
    hint: `They could not be removed now: ${asAssetError(reason).message}`,
    details: { id, ...requestIdOf(reason) },
    cause: reason,
  });
}

function groupByBackend(objects: readonly ClaimedObject[]): Map<string, ClaimedObject[]> {
  const groups = new Map<string, ClaimedObject[]>();
  for (const object of objects) {
    const group = groups.get(object.backend);
    if (group === undefined) groups.set(object.backend, [object]);
    else group.push(object);
  }
  return groups;
}
