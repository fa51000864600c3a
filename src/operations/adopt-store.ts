import { decideOnMaintenance } from '../core/access-policy.ts';
import { AssetError } from '../core/errors.ts';
import { putMarker } from '../storage/marker.ts';
import type { OperationContext } from './context.ts';
import { markerFor, refuseOverlap } from './own-store.ts';
import { asAssetError } from './storage-failure.ts';

/**
 * Takes a store over for this catalog: a new backend id, and its marker replaced.
 * @throws AssetError NOT_PERMITTED, STORE_NOT_OURS for nested stores, or what the store answers
 */
export async function adoptStore(context: OperationContext, name: string): Promise<void> {
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
  } catch (error) {
    throw asAssetError(error);
  }
}
