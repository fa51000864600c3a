import { randomUUID } from 'node:crypto';
import type { CatalogStatus } from '../catalog/catalog.ts';
import { decideOnMaintenance } from '../core/access-policy.ts';
import { AssetError, type ErrorCode, toFailure } from '../core/errors.ts';
import { formatSize } from '../core/size.ts';
import { parseStorageKey, type StorageKey } from '../core/storage-key.ts';
import type { StorageBackend } from '../storage/backend.ts';
import { putMarker } from '../storage/marker.ts';
import type { OperationContext } from './context.ts';
import { markerFor, openOwnStore, refuseOverlap } from './own-store.ts';
import { asAssetError } from './storage-failure.ts';

export type CheckStatus = 'ok' | 'warning' | 'error';

export interface DoctorCheck {
  name: string;
  status: CheckStatus;
  message: string;
  hint: string | null;
  /** Of an error: decides the exit status. */
  code?: ErrorCode;
}

/** Probes lie outside the grammar of asset keys, so that none can be taken for an asset or an orphan. */
const PROBE_PREFIX = '.asset-cli-probe/';
const PROBE_CONTENT = Buffer.from('asset-cli doctor: written, read, listed and deleted again\n');
const LARGEST_SKEW_MILLISECONDS = 5 * 60_000;
const LITTLE_SPACE_BYTES = 2 ** 30;

/** Checks the database and each backend against the real thing, and yields each finding as it is made. */
export async function* doctor(context: OperationContext): AsyncGenerator<DoctorCheck> {
  const database = await checkDatabase(context);
  yield* database;
  if (database.some((check) => check.status === 'error')) return;
  for (const name of context.backends.names) yield* checkBackend(context, name);
}

async function checkDatabase(context: OperationContext): Promise<DoctorCheck[]> {
  try {
    const catalog = await context.catalog();
    await catalog.maintenance.check();
    const status = await catalog.maintenance.status();
    return [databaseSummary(status), ...leaseWarnings(status)];
  } catch (error) {
    return [failedCheck('database', error)];
  }
}

function databaseSummary(status: CatalogStatus): DoctorCheck {
  const size = status.size === null ? '' : `, ${formatSize(status.size)}`;
  const server = `${status.kind} ${status.serverVersion}`;
  return ok('database', `${server} at ${status.location}, schema version ${status.schemaVersion}${size}`);
}

function leaseWarnings(status: CatalogStatus): DoctorCheck[] {
  const { pending, deleting } = status.expiredLeases;
  if (pending + deleting === 0) return [];
  const message = `${pending} interrupted uploads and ${deleting} interrupted deletes wait to be finished`;
  return [{ name: 'leases', status: 'warning', message, hint: 'Their bytes are known and will be removed.' }];
}

async function* checkBackend(context: OperationContext, name: string): AsyncGenerator<DoctorCheck> {
  const label = `backend ${name}`;
  let store: StorageBackend;
  try {
    store = await openOwnStore(context, name);
  } catch (error) {
    yield failedCheck(label, error);
    return;
  }
  try {
    const probed = await probe(store);
    yield ok(label, `${store.provider}: wrote, read, listed and deleted a probe`);
    yield* checkClock(label, probed.skew);
    yield* await checkSpace(label, store);
  } catch (error) {
    yield failedCheck(label, asAssetError(error));
  }
}

/** Writes, reads, lists and deletes an object, and measures how far the store's clock is from ours (ms). */
async function probe(store: StorageBackend): Promise<{ skew: number }> {
  await removeEarlierProbes(store);
  const key = parseStorageKey(`${PROBE_PREFIX}${randomUUID()}`);
  const before = Date.now();
  const written = await store.put(key, bodyOf(PROBE_CONTENT), { ifAbsent: true, contentType: 'text/plain' });
  const after = Date.now();
  try {
    await expectContent(store, key);
    await expectListed(store, key);
  } catch (error) {
    await store.deleteMany([key]);
    throw error;
  }
  const [failure] = await store.deleteMany([key]);
  if (failure !== undefined) throw failure.error;
  return { skew: distance(written.lastModified.getTime(), before, after) };
}

/** An interrupted doctor may have left its probe behind. */
async function removeEarlierProbes(store: StorageBackend): Promise<void> {
  const keys: StorageKey[] = [];
  for await (const object of store.list(PROBE_PREFIX)) keys.push(object.key);
  if (keys.length > 0) await store.deleteMany(keys);
}

function bodyOf(bytes: Uint8Array) {
  return {
    size: bytes.length,
    bytes,
    async *open() {
      yield bytes;
    },
  };
}

async function expectContent(store: StorageBackend, key: StorageKey): Promise<void> {
  const { body } = await store.get(key);
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  if (Buffer.concat(chunks).equals(PROBE_CONTENT)) return;
  throw new AssetError('BYTES_DAMAGED', `Backend "${store.name}" gave back other bytes than it was given`, {
    hint: 'Do not use this store until that is understood.',
  });
}

async function expectListed(store: StorageBackend, key: StorageKey): Promise<void> {
  for await (const object of store.list(PROBE_PREFIX)) if (object.key === key) return;
  throw new AssetError('UNAVAILABLE', `Backend "${store.name}" does not list what was just written`, {
    hint: 'Its listing may lag behind; verify and purge need it to be right.',
  });
}

function distance(time: number, from: number, to: number): number {
  if (time < from) return from - time;
  return time > to ? time - to : 0;
}

function* checkClock(label: string, skew: number): Generator<DoctorCheck> {
  if (skew <= LARGEST_SKEW_MILLISECONDS) return;
  const minutes = Math.round(skew / 60_000);
  const message = `its clock and this machine's are ${minutes} minutes apart`;
  yield { name: `${label} clock`, status: 'warning', message, hint: 'Set this machine’s clock by NTP.' };
}

async function checkSpace(label: string, store: StorageBackend): Promise<DoctorCheck[]> {
  const space = await store.space?.();
  if (space === undefined) return [];
  const message = `${formatSize(space.free)} free of ${formatSize(space.total)}`;
  if (space.free >= LITTLE_SPACE_BYTES) return [ok(`${label} space`, message)];
  return [{ name: `${label} space`, status: 'warning', message, hint: 'Make room before the disk is full.' }];
}

/**
 * Takes a store over for this catalog: a new backend id, and its marker replaced.
 * @throws AssetError NOT_PERMITTED, STORE_NOT_OURS for nested stores, or what the store answers
 */
export async function adoptStore(context: OperationContext, name: string): Promise<DoctorCheck> {
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
  return ok(`backend ${name}`, 'taken over: its marker now names this catalog');
}

function ok(name: string, message: string): DoctorCheck {
  return { name, status: 'ok', message, hint: null };
}

export function failedCheck(name: string, error: unknown): DoctorCheck {
  const { code, message, hint } = toFailure(error);
  return { name, status: 'error', message, hint: hint ?? null, code };
}
