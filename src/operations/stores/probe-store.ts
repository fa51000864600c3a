import { randomUUID } from 'node:crypto';
import { AssetError } from '../../core/errors.ts';
import { parseStorageKey, type StorageKey } from '../../core/storage-key.ts';
import type { StorageBackend } from '../../storage/backend.ts';
import { isStorageError } from '../../storage/storage-error.ts';
import { asAssetError } from './storage-failure.ts';

/** What a store was seen to do, beyond taking, giving, listing and removing an object. */
export interface Probed {
  /** How far its clock is from ours, in milliseconds. */
  skew: number;
  signing: Signing;
}

/** `cannot`: these credentials are none that could sign. `failed`: they should have. */
export type Signing =
  | { kind: 'fetched' }
  | { kind: 'not-offered' }
  | { kind: 'cannot'; reason: string }
  | { kind: 'failed'; error: Error };

/** Probes lie outside the grammar of asset keys, so that none can be taken for an asset or an orphan. */
const PREFIX = '.asset-cli-probe/';
const CONTENT = Buffer.from('asset-cli doctor: written, read, listed, signed and deleted again\n');
const CONTENT_TYPE = 'text/plain';
const SIGNED_FOR_SECONDS = 60;
const LEFT_BEHIND_AFTER_MILLISECONDS = 3_600_000;
const LONGEST_FETCH_MILLISECONDS = 20_000;

/**
 * Writes an object, reads it, lists it, fetches it by a signed URL as anybody could, and deletes it.
 * @throws AssetError that names the step which failed; the probe is removed if that is possible
 */
export async function probeStore(store: StorageBackend, signal: AbortSignal): Promise<Probed> {
  await step(store, 'listing earlier probes', () => removeEarlierProbes(store, signal));
  const key = parseStorageKey(`${PREFIX}${randomUUID()}`);
  const before = Date.now();
  await step(store, 'writing a probe', () => write(store, key, signal));
  try {
    const after = Date.now();
    const time = await step(store, 'reading the probe', () => read(store, key, signal));
    await step(store, 'listing the probe', () => expectListed(store, key, signal));
    const signing = await trySigning(store, key, signal);
    await step(store, 'deleting the probe', () => remove(store, [key]));
    return { skew: distance(time, before, after), signing };
  } catch (error) {
    // Why the probe failed is what has to be told, not that it could not be tidied up either.
    await remove(store, [key]).catch(() => undefined);
    throw error;
  }
}

async function step<T>(store: StorageBackend, deed: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = asAssetError(thrown);
    if (!(error instanceof AssetError)) throw error;
    const { hint, details } = error;
    const reason = error.message.replace(`Backend "${store.name}": `, '');
    throw new AssetError(error.code, `${deed} failed: ${reason}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
      ...(details === undefined ? {} : { details }),
    });
  }
}

/** An interrupted doctor may have left its probe behind; a younger one may be that of another, which is at work. */
async function removeEarlierProbes(store: StorageBackend, signal: AbortSignal): Promise<void> {
  const keys: StorageKey[] = [];
  const lastOld = Date.now() - LEFT_BEHIND_AFTER_MILLISECONDS;
  for await (const { key, lastModified } of store.list(PREFIX, { signal })) {
    if (lastModified.getTime() < lastOld) keys.push(key);
  }
  if (keys.length > 0) await remove(store, keys);
}

async function write(store: StorageBackend, key: StorageKey, signal: AbortSignal): Promise<void> {
  const body = {
    size: CONTENT.length,
    bytes: CONTENT,
    async *open() {
      yield CONTENT;
    },
  };
  await store.put(key, body, { ifAbsent: true, contentType: CONTENT_TYPE, signal });
}

/** Gives the time at which the store says that it was written. */
async function read(store: StorageBackend, key: StorageKey, signal: AbortSignal): Promise<number> {
  const { object, body } = await store.get(key, { signal });
  expectContent(Buffer.concat(await body.toArray()), 'it');
  return object.lastModified.getTime();
}

async function expectListed(store: StorageBackend, key: StorageKey, signal: AbortSignal): Promise<void> {
  for await (const object of store.list(PREFIX, { signal })) if (object.key === key) return;
  throw new AssetError('UNAVAILABLE', 'what was just written is not listed', {
    hint: 'The listing may lag behind; commands that compare store and catalog need it to be right.',
  });
}

async function trySigning(store: StorageBackend, key: StorageKey, signal: AbortSignal): Promise<Signing> {
  // Who answers to such a URL looks the asset up, and a probe is none.
  if (!store.features.signs || store.answers !== undefined) return { kind: 'not-offered' };
  const options = { expiresIn: SIGNED_FOR_SECONDS, downloadAs: 'probe.txt', inline: false, contentType: CONTENT_TYPE };
  try {
    const { url } = await store.sign(key, { ...options, signal });
    await fetchSigned(url, signal);
    return { kind: 'fetched' };
  } catch (error) {
    if (isStorageError(error, 'UNSUPPORTED')) return { kind: 'cannot', reason: error.message };
    return { kind: 'failed', error: asAssetError(error) };
  }
}

/** By plain HTTP, without any credentials. No message repeats the URL: it is a secret. */
async function fetchSigned(url: string, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_FETCH_MILLISECONDS)]);
  let response: Response;
  let content: Buffer;
  try {
    response = await fetch(url, { signal: limit });
    content = Buffer.from(await response.arrayBuffer());
  } catch (error) {
    signal.throwIfAborted();
    throw new AssetError('UNAVAILABLE', `the signed URL at ${new URL(url).host} cannot be reached`, {
      hint: 'Whoever gets such an URL has to reach that host. Check the endpoint and the network.',
      cause: error,
    });
  }
  if (!response.ok) {
    throw new AssetError('CANNOT_SIGN', `the store answers a signed URL with ${response.status}`, {
      hint: 'Check that the signing credentials may read the objects, and that the clock is right.',
    });
  }
  expectContent(content, 'its signed URL');
}

function expectContent(content: Buffer, source: string): void {
  if (content.equals(CONTENT)) return;
  throw new AssetError('BYTES_DAMAGED', `${source} gives other bytes than were written`, {
    hint: 'Do not use this store until that is understood.',
  });
}

async function remove(store: StorageBackend, keys: readonly StorageKey[]): Promise<void> {
  const [failure] = await store.deleteMany(keys);
  if (failure !== undefined) throw failure.error;
}

/** Between a moment of theirs and a span of ours; times of whole seconds are not off for that. */
export function distance(time: number, from: number, to: number): number {
  const start = from - 1000;
  if (time < start) return start - time;
  return time > to ? time - to : 0;
}
