import type { StorageBackend } from '../backend.ts';
import type { GcsDefinition, StorageTimeouts } from '../definition.ts';
import { putGuarded } from '../guarded-body.ts';
import { withoutNestedStores } from '../marker.ts';
import { createPartPool, isOnePart } from '../parts.ts';
import { createPrefix } from '../prefix.ts';
import { isStorageError, StorageError } from '../storage-error.ts';
import { createGcsCaller } from './client.ts';
import { copyObject } from './copy.ts';
import { deleteObjects, listObjects } from './listing.ts';
import { bucketMissing, type GcsStore, getObject, putWhole, statObject } from './objects.ts';
import { putResumable } from './resumable.ts';
import { signUrl } from './sign.ts';

const stores = new WeakMap<StorageBackend, GcsStore>();

/**
 * Google Cloud Storage. The store verifies and reports MD5 and CRC32C; the ETag is the generation.
 * It has no abandonedUploads: unfinished sessions cannot be listed, are not billed, and end by themselves.
 */
export function openGcsBackend(definition: GcsDefinition, timeouts: StorageTimeouts): StorageBackend {
  const store: GcsStore = {
    name: definition.name,
    gcs: createGcsCaller(definition, timeouts),
    prefix: createPrefix(definition.prefix),
    pool: createPartPool(),
  };
  const retry = { deadline: timeouts.deadline };

  const backend: StorageBackend = {
    name: definition.name,
    provider: 'GOOGLE_CLOUD_STORAGE',
    features: {
      checksums: ['md5', 'crc32c'],
      listsChecksums: true,
      groupDurability: false,
      concurrency: 16,
      readsInParts: true,
      signs: true,
      // Decompressive transcoding.
      decodesForReaders: true,
    },

    put: (key, body, options = {}) =>
      putGuarded(body, { backend: definition.name, key, signal: options.signal }, async (guarded) => {
        try {
          if (isOnePart(body.size)) return await putWhole(store, key, guarded, options);
          return await putResumable(store, retry, key, guarded, options);
        } catch (error) {
          // Of a put only the bucket can be missing.
          throw isStorageError(error, 'NOT_FOUND') ? bucketMissing(store, error, key) : error;
        }
      }),

    get: (key, options = {}) => getObject(store, key, options),
    stat: (key, options = {}) => statObject(store, key, options),
    list: (prefix, options = {}) => withoutNestedStores(listObjects(store, prefix, options)),
    deleteMany: (keys, options = {}) => deleteObjects(store, keys, options),
    sign: (key, options) => signUrl(store, key, options),
    close: () => store.gcs.close(),

    async copyFrom(source, key, target, options = {}) {
      const from = stores.get(source);
      if (from?.gcs.origin === store.gcs.origin) return copyObject(from, store, key, target, options);
      throw new StorageError('UNSUPPORTED', 'the source is not a bucket of this service', {
        backend: definition.name,
        key,
      });
    },

    enclosingMarker: () => store.prefix.enclosingMarker((name) => isThere(store, name)),
  };
  stores.set(backend, store);
  return backend;
}

async function isThere(store: GcsStore, name: string): Promise<boolean> {
  try {
    const path = `/storage/v1/b/${store.gcs.bucket}/o/${encodeURIComponent(name)}`;
    const answer = await store.gcs.call({ method: 'GET', path, query: { fields: 'name' } });
    await answer.body.dump();
    return true;
  } catch (error) {
    // Without the right to look outside of the prefix there is nothing to know.
    if (isStorageError(error, 'NOT_FOUND', 'DENIED')) return false;
    throw error;
  }
}
