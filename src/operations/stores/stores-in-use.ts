import type { StorageBackend } from '../../storage/backend.ts';
import type { OperationContext } from '../context.ts';
import { openOwnStore } from './own-store.ts';
import { asAssetError } from './storage-failure.ts';

export interface StoresInUse {
  /** Seen to be ours (rule 0), by name. */
  usable: Map<string, StorageBackend>;
  /** Why the others cannot be used now. */
  broken: Map<string, Error>;
}

/** Opens every backend that the catalog knows, or the named one; one that is down does not keep from the others. */
export async function openStoresInUse(context: OperationContext, only: string | undefined): Promise<StoresInUse> {
  const catalog = await context.catalog();
  const records = await catalog.backends.list();
  const names = records.map((record) => record.name).filter((name) => only === undefined || name === only);
  // A name that nothing was stored under is still refused if no configuration has it.
  if (only !== undefined && names.length === 0) await context.backends.open(only);
  const stores: StoresInUse = { usable: new Map(), broken: new Map() };
  for (const name of names) {
    try {
      stores.usable.set(name, await openOwnStore(context, name));
    } catch (error) {
      stores.broken.set(name, asAssetError(error));
    }
  }
  return stores;
}
