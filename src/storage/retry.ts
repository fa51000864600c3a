import type { Checksums } from '../core/body.ts';
import type { StorageKey } from '../core/storage-key.ts';
import type {
  AbandonedUpload,
  CallOptions,
  DeleteFailure,
  ListOptions,
  PutOptions,
  StorageBackend,
  StoredObject,
} from './backend.ts';
import { gettingInParts } from './parts-get.ts';
import { type RetryOptions, retrying } from './retry-policy.ts';
import { isStorageError, type StorageError } from './storage-error.ts';

const bare = new WeakMap<StorageBackend, StorageBackend>();

/** The backend inside the retries: copyFrom needs the provider's own. */
export function withoutRetries(backend: StorageBackend): StorageBackend {
  return bare.get(backend) ?? backend;
}

/** Wraps the whole contract once, from outside; the optional powers stay those of the backend. */
export function withRetries(backend: StorageBackend, retry: RetryOptions): StorageBackend {
  const get = gettingInParts(backend, retry);
  const wrapped: StorageBackend = {
    name: backend.name,
    provider: backend.provider,
    features: backend.features,
    put: (key, body, options = {}) => storing(key, body.size, options, () => backend.put(key, body, options)),
    get: (key, options = {}) => get(key, options),
    stat: (key, options = {}) => retrying(retry, options, () => backend.stat(key, options)),
    list: (prefix, options = {}) =>
      listResuming(
        (from) => backend.list(prefix, from),
        ({ key }) => key,
        options,
      ),
    deleteMany: (keys, options = {}) => deleteRepeatedly(keys, options),
    sign: (key, options) => retrying(retry, options, () => backend.sign(key, options)),
    close: () => backend.close(),
    ...optionalPowers(backend),
  };

  /** Rule 8: a CONFLICT after an answer was lost may be our own object. */
  function storing(
    key: StorageKey,
    size: number | undefined,
    options: PutOptions,
    store: () => Promise<StoredObject>,
  ): Promise<StoredObject> {
    return retrying(retry, options, async (failures) => {
      try {
        return await store();
      } catch (error) {
        if (!isStorageError(error, 'CONFLICT') || failures.length === 0) throw error;
        const stored = await backend.stat(key, callOptions(options));
        if (!isWhatWeSent(stored, size, options.checksums)) throw error;
        return stored;
      }
    });
  }

  async function* listResuming<T>(
    list: (options: ListOptions) => AsyncIterable<T>,
    nameOf: (item: T) => string,
    options: ListOptions,
  ): AsyncGenerator<T> {
    let { startAfter } = options;
    let isDone = false;
    while (!isDone) {
      const page = await retrying(retry, options, () => {
        const from = startAfter === undefined ? options : { ...options, startAfter };
        return firstOf(list(from));
      });
      isDone = page.first === undefined;
      try {
        for (let item = page.first; item !== undefined; item = await page.next()) {
          startAfter = nameOf(item);
          yield item;
        }
        isDone = true;
      } catch (error) {
        if (!isStorageError(error) || !error.retryable) throw error;
      } finally {
        await page.end();
      }
    }
  }

  async function deleteRepeatedly(keys: readonly StorageKey[], options: CallOptions): Promise<DeleteFailure[]> {
    const final: DeleteFailure[] = [];
    let remaining = keys;
    let lastFailures: DeleteFailure[] = [];
    try {
      await retrying(retry, options, async () => {
        lastFailures = [];
        const failures = await backend.deleteMany(remaining, options);
        final.push(...failures.filter((failure) => !mayPass(failure.error)));
        lastFailures = failures.filter((failure) => mayPass(failure.error));
        remaining = lastFailures.map((failure) => failure.key);
        const [first] = lastFailures;
        if (first !== undefined) throw first.error;
      });
    } catch (error) {
      if (lastFailures.length === 0) throw error;
    }
    return [...final, ...lastFailures];
  }

  function optionalPowers(inner: StorageBackend): Partial<StorageBackend> {
    const { copyFrom, pull, readNow, listStretches, abandonedUploads, flush, space, answers, enclosingMarker } = inner;
    return {
      ...(listStretches && {
        listStretches: (prefix, options = {}) =>
          listResuming(
            (from) => listStretches.call(inner, prefix, from),
            ({ last }) => last,
            options,
          ),
      }),
      ...(copyFrom && {
        copyFrom: (source, key, target, options = {}) =>
          storing(target, undefined, options, () => copyFrom.call(inner, withoutRetries(source), key, target, options)),
      }),
      ...(pull && {
        async pull(source, target, options = {}) {
          let answered: StoredObject | undefined;
          const expected = { ...options, checksums: { md5: source.md5 } };
          const stored = await storing(target, source.size, expected, async () => {
            answered = await pull.call(inner, source, target, options);
            return answered;
          });
          // Behind a lost answer the store tells the MD5 that it was told, not what it computed.
          return stored === answered ? stored : { ...stored, checksums: {} };
        },
      }),
      ...(readNow && { readNow: (key, size, memory) => readNow.call(inner, key, size, memory) }),
      ...(abandonedUploads && {
        abandonedUploads: (olderThan) => discardRepeatedly(abandonedUploads.call(inner, olderThan)),
      }),
      // A failed flush is never repeated: after a failed fsync the next one may succeed for nothing.
      ...(flush && { flush: (keys) => flush.call(inner, keys) }),
      ...(space && { space: () => retrying(retry, {}, () => space.call(inner)) }),
      ...(answers && { answers: () => answers.call(inner) }),
      ...(enclosingMarker && { enclosingMarker: () => retrying(retry, {}, () => enclosingMarker.call(inner)) }),
    };
  }

  async function* discardRepeatedly(uploads: AsyncIterable<AbandonedUpload>): AsyncGenerator<AbandonedUpload> {
    for await (const upload of uploads) {
      yield { ...upload, discard: () => retrying(retry, {}, () => upload.discard()) };
    }
  }

  bare.set(wrapped, backend);
  return wrapped;
}

function mayPass(error: Error): error is StorageError {
  return isStorageError(error) && error.retryable;
}

function callOptions({ signal }: CallOptions): CallOptions {
  return signal === undefined ? {} : { signal };
}

function isWhatWeSent(stored: StoredObject, size: number | undefined, sent: Checksums | undefined): boolean {
  if (size !== undefined && stored.size !== size) return false;
  const names = ['sha256', 'md5', 'crc32c'] as const;
  return names.every((name) => {
    const ours = sent?.[name];
    const theirs = stored.checksums[name];
    return ours === undefined || theirs === undefined || ours === theirs;
  });
}

interface OpenedList<T> {
  first: T | undefined;
  next(): Promise<T | undefined>;
  end(): Promise<void>;
}

/** Takes the first item, so that a list that cannot even begin is retried like a call. */
async function firstOf<T>(items: AsyncIterable<T>): Promise<OpenedList<T>> {
  const iterator = items[Symbol.asyncIterator]();
  const next = async () => {
    const result = await iterator.next();
    return result.done === true ? undefined : result.value;
  };
  const end = async () => {
    await iterator.return?.();
  };
  return { first: await next(), next, end };
}
