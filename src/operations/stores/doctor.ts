import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Catalog, CatalogStatus } from '../../catalog/catalog.ts';
import type { StorageProvider } from '../../core/asset.ts';
import { AssetError, type ErrorCode } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import type { StorageBackend } from '../../storage/backend.ts';
import type { OperationContext } from '../context.ts';
import { type DoctorCheck, failedCheck, ok } from './doctor-check.ts';
import { checkScanner } from './doctor-scanner.ts';
import { openCandidate, openOwnStore } from './own-store.ts';
import { distance, probeStore, type Signing } from './probe-store.ts';
import { asAssetError } from './storage-failure.ts';

export { type DoctorCheck, failedCheck } from './doctor-check.ts';

/** Signatures, leases and expiry are all judged by clocks; S3 refuses to talk after 15 minutes. */
const LARGEST_SKEW_MILLISECONDS = 60_000;
const LITTLE_SPACE_BYTES = 2 ** 30;

/** Checks the database, this machine and each backend against the real thing, and yields each finding as it is made. */
export async function* doctor(context: OperationContext): AsyncGenerator<DoctorCheck> {
  let isUsable = true;
  for await (const check of checkDatabase(context)) {
    isUsable &&= check.status !== 'error';
    yield check;
  }
  yield* checkDirectory('temporary space', context.temporaryDirectory);
  if (!isUsable) return;
  for (const name of context.backends.names) {
    if (context.signal.aborted) return;
    yield* checkStore(context, name, openOwnStore);
  }
  yield* checkScanner(context);
}

export async function* checkDatabase(context: OperationContext): AsyncGenerator<DoctorCheck> {
  try {
    const catalog = await context.catalog();
    await catalog.maintenance.check();
    const status = await catalog.maintenance.status();
    yield ok('database', databaseSummary(status));
    yield await checkWriting(catalog);
    const before = Date.now();
    const time = await catalog.maintenance.time();
    yield clock('database clock', distance(time.getTime(), before, Date.now()));
    if (status.kind === 'sqlite') yield* checkDirectory('database space', dirname(status.location));
    yield* leaseWarnings(status);
  } catch (error) {
    yield failedCheck('database', error);
  }
}

async function checkWriting(catalog: Catalog): Promise<DoctorCheck> {
  try {
    await catalog.maintenance.probeWriting();
    return ok('database writes', 'a change was begun and taken back');
  } catch (error) {
    return failedCheck('database writes', error);
  }
}

function databaseSummary(status: CatalogStatus): string {
  const size = status.size === null ? '' : `, ${formatSize(status.size)}`;
  return `${status.kind} ${status.serverVersion} at ${status.location}, schema version ${status.schemaVersion}${size}`;
}

function* leaseWarnings(status: CatalogStatus): Generator<DoctorCheck> {
  const { pending, deleting } = status.expiredLeases;
  if (pending + deleting === 0) return;
  const message = `${pending} interrupted uploads and ${deleting} interrupted deletes: their leases have run out`;
  yield {
    name: 'leases',
    status: 'warning',
    message,
    hint: 'Finish or undo them with: asset-cli purge-expired',
  };
}

/** What `init` asks of a store before it is in use: the same probes, but nothing of it is claimed. */
export function checkCandidate(context: OperationContext, name: string): AsyncGenerator<DoctorCheck> {
  return checkStore(context, name, openCandidate);
}

async function* checkStore(
  context: OperationContext,
  name: string,
  open: (context: OperationContext, name: string) => Promise<StorageBackend>,
): AsyncGenerator<DoctorCheck> {
  const label = `backend ${name}`;
  try {
    const store = await open(context, name);
    const { skew, signing } = await probeStore(store, context.signal);
    const did =
      signing.kind === 'fetched' ? 'wrote, read, listed, signed and deleted' : 'wrote, read, listed and deleted';
    yield ok(label, `${store.provider}: ${did} a probe`);
    yield* signingProblem(`${label} sign`, signing);
    yield clock(`${label} clock`, skew);
    yield* checkSpace(`${label} space`, store);
  } catch (error) {
    // Stopping is no finding about the store.
    if (!context.signal.aborted) yield failedCheck(label, await adviseOn(context, name, asAssetError(error)));
  }
}

/** What others are told, to ask the doctor, is of no use here. */
async function adviseOn(context: OperationContext, name: string, error: Error): Promise<Error> {
  if (!(error instanceof AssetError) || !ABOUT_SETTINGS.includes(error.code)) return error;
  const { code, message, details = {} } = error;
  // What cannot even be opened says itself which setting is wrong.
  const hint = await context.backends.open(name).then(
    ({ provider }) => SETTINGS_TO_CHECK[provider],
    () => 'Check this backend in the configuration.',
  );
  return new AssetError(code, message, { hint, details, cause: error });
}

const ABOUT_SETTINGS: readonly ErrorCode[] = ['CREDENTIALS_REFUSED', 'STORE_UNSUITABLE'];
const SETTINGS_TO_CHECK: Readonly<Record<StorageProvider, string>> = {
  LOCAL: 'Check that the path is a directory on a file system of this machine.',
  AWS_S3:
    'Check "bucket", "region", "endpoint" and "profile", and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: aws sts get-caller-identity',
  GOOGLE_CLOUD_STORAGE:
    'Check "bucket", "apiEndpoint" and "credentialsFile", or GOOGLE_APPLICATION_CREDENTIALS: gcloud auth application-default login',
  AZURE_BLOB: 'Check "account", "container", "endpoint" and "connectionString", or the login of the chain: az login',
};

function* signingProblem(name: string, signing: Signing): Generator<DoctorCheck> {
  if (signing.kind === 'failed') yield failedCheck(name, signing.error);
  if (signing.kind !== 'cannot') return;
  const hint = 'Without that, hand files out with: asset-cli download';
  yield { name, status: 'warning', message: `cannot sign URLs: ${signing.reason}`, hint };
}

function clock(name: string, skew: number): DoctorCheck {
  if (skew <= LARGEST_SKEW_MILLISECONDS) return ok(name, "agrees with this machine's");
  const message = `is ${Math.round(skew / 60_000)} min away from this machine's`;
  return {
    name,
    status: 'warning',
    message,
    hint: "Set the machine's clock by NTP; stores refuse signatures of 15 min.",
  };
}

async function* checkSpace(name: string, store: StorageBackend): AsyncGenerator<DoctorCheck> {
  const space = await store.space?.();
  if (space !== undefined) yield judgeSpace(name, space);
}

async function* checkDirectory(name: string, directory: string): AsyncGenerator<DoctorCheck> {
  try {
    const { bavail, blocks, bsize } = await statfs(directory);
    yield judgeSpace(name, { free: bavail * bsize, total: blocks * bsize });
  } catch (error) {
    const message = `${directory}: ${error instanceof Error ? error.message : String(error)}`;
    yield { name, status: 'error', message, hint: 'Make the directory, or name another.', code: 'PATH_NOT_FOUND' };
  }
}

function judgeSpace(name: string, { free, total }: { free: number; total: number }): DoctorCheck {
  const message = `${formatSize(free)} free of ${formatSize(total)}`;
  if (free >= LITTLE_SPACE_BYTES) return ok(name, message);
  return { name, status: 'warning', message, hint: 'Make room before the disk is full.' };
}
