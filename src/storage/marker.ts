import { setTimeout as sleep } from 'node:timers/promises';
import { isMarkerKey, MARKER_KEY } from '../core/marker-key.ts';
import { parseStorageKey } from '../core/storage-key.ts';
import type { CallOptions, StorageBackend, StoredObject } from './backend.ts';
import { isStorageError, StorageError } from './storage-error.ts';

/** Whose store this is. */
export interface StoreMarker {
  catalogId: string;
  backendId: string;
  format: 1;
}

const KEY = parseStorageKey(MARKER_KEY);
const LARGEST_MARKER = 4096;
const MOST_ATTEMPTS = 8;
const PAUSE_MILLISECONDS = 50;

/**
 * The store's marker; undefined if it has none, or if there is no store yet and a put would make it.
 * @throws StorageError INTEGRITY if it cannot be understood, STORE_MISSING
 */
export async function readMarker(backend: StorageBackend, options: CallOptions = {}): Promise<StoreMarker | undefined> {
  try {
    const { object, body } = await backend.get(KEY, options);
    if (object.size > LARGEST_MARKER) {
      body.destroy();
      throw unreadable(backend);
    }
    return parseMarker(Buffer.concat(await body.toArray()).toString('utf8'), backend);
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND') || isYetToBeMade(backend, error)) return undefined;
    throw error;
  }
}

/**
 * Puts the marker unless one is there, then reads back what is: the caller compares. A missing
 * local directory is made by this put alone.
 * @param options.replace takes the store over from whoever marked it
 */
export async function putMarker(
  backend: StorageBackend,
  marker: StoreMarker,
  options: CallOptions & { replace?: boolean } = {},
): Promise<StoreMarker> {
  const { replace = false, ...call } = options;
  const bytes = Buffer.from(`${JSON.stringify(marker)}\n`);
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    try {
      const body = { size: bytes.length, bytes, open: () => singleChunk(bytes) };
      await backend.put(KEY, body, { ...call, ifAbsent: !replace, contentType: 'application/json' });
    } catch (error) {
      if (!isStorageError(error, 'CONFLICT')) throw error;
    }
    const stored = await readMarker(backend, call);
    if (stored !== undefined) return stored;
    // S3 turns a put away also while another is under way (409), whose object is there a moment later, or never.
    await sleep(PAUSE_MILLISECONDS * attempt);
  }
  throw new StorageError('INTEGRITY', 'the marker that was just put is not there', { backend: backend.name, key: KEY });
}

/** Where the marker of a store around this one lies; undefined if there is none. */
export async function findStoreAround(backend: StorageBackend): Promise<string | undefined> {
  return backend.enclosingMarker?.();
}

/** The marker of a store inside this one. Reads the whole listing, so it belongs before the first marking only. */
export async function findStoreInside(backend: StorageBackend, options: CallOptions = {}): Promise<string | undefined> {
  try {
    for await (const object of backend.list('', options)) {
      if (object.key !== MARKER_KEY && isMarkerKey(object.key)) return object.key;
    }
  } catch (error) {
    if (!isYetToBeMade(backend, error)) throw error;
  }
  return undefined;
}

/**
 * Hides what lies below a deeper marker, which belongs to another store; the marker itself stays
 * visible. A marker sorts before every key of our own grammar in its directory, so one pass will do.
 */
export async function* withoutNestedStores(objects: AsyncIterable<StoredObject>): AsyncGenerator<StoredObject> {
  let nested: string | undefined;
  for await (const object of objects) {
    if (nested !== undefined && object.key.startsWith(nested)) continue;
    nested = undefined;
    if (object.key !== MARKER_KEY && isMarkerKey(object.key)) nested = object.key.slice(0, -MARKER_KEY.length);
    yield object;
  }
}

function isYetToBeMade({ features }: StorageBackend, error: unknown): boolean {
  return features.madeByPut === true && isStorageError(error, 'STORE_MISSING');
}

function parseMarker(text: string, backend: StorageBackend): StoreMarker {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(backend, error);
  }
  if (!isMarker(value)) throw unreadable(backend);
  return { catalogId: value.catalogId, backendId: value.backendId, format: 1 };
}

function isMarker(value: unknown): value is StoreMarker {
  if (typeof value !== 'object' || value === null) return false;
  if (!('catalogId' in value && 'backendId' in value && 'format' in value)) return false;
  return typeof value.catalogId === 'string' && typeof value.backendId === 'string' && value.format === 1;
}

function unreadable(backend: StorageBackend, cause?: unknown): StorageError {
  const message = `${MARKER_KEY} is not a marker that this version understands`;
  return new StorageError('INTEGRITY', message, { backend: backend.name, key: KEY, cause });
}

async function* singleChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
