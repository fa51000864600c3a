import type { StorageBackend } from '../backend.ts';
import type { S3Definition, StorageTimeouts } from '../definition.ts';
import { putGuarded } from '../guarded-body.ts';
import { withoutNestedStores } from '../marker.ts';
import { createPartPool, isOnePart } from '../parts.ts';
import { createPrefix } from '../prefix.ts';
import { isStorageError, StorageError } from '../storage-error.ts';
import { createS3Caller } from './client.ts';
import { copyObject } from './copy.ts';
import { deleteObjects, listObjects } from './listing.ts';
import { abandonedUploads, putInParts } from './multipart.ts';
import { getObject, putWhole, type S3Store, statObject } from './objects.ts';
import { signUrl } from './sign.ts';

const stores = new WeakMap<StorageBackend, S3Store>();

/** Amazon S3, and whatever speaks it. The store verifies and reports SHA-256, of each part where there are several. */
export function openS3Backend(definition: S3Definition, timeouts: StorageTimeouts): StorageBackend {
  const store: S3Store = {
    name: definition.name,
    s3: createS3Caller(definition, timeouts),
    prefix: createPrefix(definition.prefix),
    pool: createPartPool(),
  };
  const retry = { deadline: timeouts.deadline };
  const backend: StorageBackend = {
    name: definition.name,
    provider: 'AWS_S3',
    features: {
      checksums: ['sha256'],
      listsChecksums: true,
      groupDurability: false,
      concurrency: 16,
      readsInParts: true,
      signs: true,
    },

    put: (key, body, options = {}) =>
      putGuarded(body, { backend: definition.name, key, signal: options.signal }, (guarded) =>
        isOnePart(body.size) ? putWhole(store, key, guarded, options) : putInParts(store, retry, key, guarded, options),
      ),

    get: (key, options = {}) => getObject(store, key, options),
    stat: (key, options = {}) => statObject(store, key, options),
    list: (prefix, options = {}) => withoutNestedStores(listObjects(store, prefix, options)),
    deleteMany: (keys, options = {}) => deleteObjects(store, keys, options),
    sign: (key, options) => signUrl(store, key, options),
    close: () => store.s3.close(),

    async copyFrom(source, key, target, options = {}) {
      const from = stores.get(source);
      if (from !== undefined) return copyObject(from, store, key, target, options, { retry });
      throw new StorageError('UNSUPPORTED', 'the source is not an S3 bucket', { backend: definition.name, key });
    },

    abandonedUploads: (olderThan) => abandonedUploads(store, olderThan),

    enclosingMarker: () => store.prefix.enclosingMarker((name) => isThere(store, name)),
  };
  stores.set(backend, store);
  return backend;
}

async function isThere(store: S3Store, name: string): Promise<boolean> {
  try {
    const answer = await store.s3.call({ method: 'GET', name });
    answer.body.drop();
    return true;
  } catch (error) {
    // Without the right to look outside of the prefix there is nothing to know.
    if (isStorageError(error, 'NOT_FOUND', 'DENIED')) return false;
    throw error;
  }
}
