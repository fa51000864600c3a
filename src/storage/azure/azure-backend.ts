import type { StorageBackend } from '../backend.ts';
import type { AzureDefinition, StorageTimeouts } from '../definition.ts';
import { putGuarded } from '../guarded-body.ts';
import { withoutNestedStores } from '../marker.ts';
import { createPartPool, isOnePart } from '../parts.ts';
import { createPrefix } from '../prefix.ts';
import { StorageError } from '../storage-error.ts';
import { abandonedUploads, putInBlocks } from './blocks.ts';
import { createAzureCaller } from './client.ts';
import { copyObject } from './copy.ts';
import { deleteObjects, listObjects } from './listing.ts';
import { type AzureStore, getObject, isThere, putWhole, statObject } from './objects.ts';
import { createPull } from './pull.ts';
import { signUrl } from './sign.ts';

const stores = new WeakMap<StorageBackend, AzureStore>();

/**
 * Azure Blob Storage, as block blobs. The store verifies MD5, of each block where there are several,
 * and reports that of the whole.
 */
export function openAzureBackend(definition: AzureDefinition, timeouts: StorageTimeouts): StorageBackend {
  const store: AzureStore = {
    name: definition.name,
    azure: createAzureCaller(definition, timeouts),
    prefix: createPrefix(definition.prefix),
    pool: createPartPool(),
  };
  const retry = { deadline: timeouts.deadline };
  const pull = createPull(store, timeouts);

  const backend: StorageBackend = {
    name: definition.name,
    provider: 'AZURE_BLOB',
    features: {
      checksums: ['md5'],
      listsChecksums: true,
      groupDurability: false,
      concurrency: 16,
      readsInParts: true,
      signs: store.azure.account.access.kind !== 'sas',
    },

    put: (key, body, options = {}) =>
      putGuarded(body, { backend: definition.name, key, signal: options.signal }, (guarded) =>
        isOnePart(body.size)
          ? putWhole(store, key, guarded, options)
          : putInBlocks(store, retry, key, guarded, options),
      ),

    get: (key, options = {}) => getObject(store, key, options),
    stat: (key, options = {}) => statObject(store, key, options),
    list: (prefix, options = {}) => withoutNestedStores(listObjects(store, prefix, options)),
    deleteMany: (keys, options = {}) => deleteObjects(store, keys, options),
    sign: (key, options) => signUrl(store, key, options),
    close: () => store.azure.close(),

    async copyFrom(source, key, target, options = {}) {
      const from = stores.get(source);
      if (from !== undefined) return copyObject(from, store, key, target, options);
      throw new StorageError('UNSUPPORTED', 'the source is not a container', { backend: definition.name, key });
    },

    pull: (source, key, options = {}) => pull(source, key, options),
    abandonedUploads: (olderThan) => abandonedUploads(store, olderThan),

    enclosingMarker: () => store.prefix.enclosingMarker((name) => isThere(store, name)),
  };
  stores.set(backend, store);
  return backend;
}
