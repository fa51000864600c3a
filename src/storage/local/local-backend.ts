import type { StorageBackend } from '../backend.ts';
import type { LocalDefinition } from '../definition.ts';
import { putGuarded } from '../guarded-body.ts';
import { createPacer } from '../pacer.ts';
import { StorageError } from '../storage-error.ts';
import { answersAt } from './answers.ts';
import { createDurability } from './durability.ts';
import { findEnclosingMarker } from './enclosing.ts';
import { translateLocalError } from './errors.ts';
import { readNow, readObject } from './read.ts';
import { removeObjects } from './remove.ts';
import { createNameRemover } from './remove-names.ts';
import { LocalRoot } from './root.ts';
import { signLocalUrl } from './sign.ts';
import { freeSpace } from './space.ts';
import { statObject } from './stat.ts';
import { listObjects, listStretches, listTemporaryFiles } from './walk.ts';
import { writeObject } from './write.ts';

/**
 * Objects as files of a directory: 0600 in directories of 0700, each written beside its name and
 * then linked or renamed. The ETag is size and modification time in nanoseconds. The file system
 * verifies no checksums, and holds no content type. A key cannot be the directory of another.
 */
export function openLocalBackend(definition: Omit<LocalDefinition, 'provider'>): StorageBackend {
  const { name, signing } = definition;
  const root = new LocalRoot(name, definition.path);
  const durability = createDurability(root);
  const names = createNameRemover();
  const pace = createPacer();

  async function translated<T>(key: string | undefined, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translateLocalError(error, { root, ...(key === undefined ? {} : { key }) });
    }
  }

  async function* translatedList<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      throw translateLocalError(error, { root });
    }
  }

  return {
    name,
    provider: 'LOCAL',
    features: {
      checksums: [],
      listsChecksums: false,
      groupDurability: true,
      concurrency: 4,
      signs: signing !== undefined,
      madeByPut: true,
      decodesForReaders: true,
    },

    async put(key, body, options = {}) {
      await pace();
      return putGuarded(body, { backend: name, key, signal: options.signal }, (guarded) =>
        translated(key, () => writeObject({ root, durability }, key, guarded, options)),
      );
    },

    get: (key, options = {}) => translated(key, () => readObject(root, key, options)),
    readNow: (key, size, memory) => readNow(root, key, size, memory),
    stat: (key) => translated(key, () => statObject(root, key)),
    list: (prefix, options = {}) => translatedList(listObjects(root, prefix, options)),
    deleteMany: (keys, options = {}) =>
      translated(undefined, () => removeObjects({ root, durability, names }, keys, options)),

    async sign(key, options) {
      if (signing !== undefined) return signLocalUrl({ backend: name, signing }, key, options);
      throw new StorageError('UNSUPPORTED', 'a local directory cannot sign URLs', { backend: name, key });
    },

    async close() {
      durability.release();
      await names.end();
    },
    listStretches: (prefix, options = {}) => translatedList(listStretches(root, prefix, options)),
    abandonedUploads: (olderThan) => translatedList(listTemporaryFiles(root, olderThan)),
    flush: (keys) =>
      translated(undefined, async () => {
        await durability.flush(keys);
        root.confirm();
      }),
    space: () => translated(undefined, () => freeSpace(root.path)),
    ...(signing === undefined ? {} : { answers: () => answersAt(signing.publicUrl()) }),
    enclosingMarker: () => translated(undefined, () => findEnclosingMarker(root.path)),
  };
}
