import type { Leftover, LeftoverFilter } from '../../catalog/catalog.ts';
import { toFailure } from '../../core/errors.ts';
import { isOwnKey } from '../../core/storage-key.ts';
import type { AbandonedUpload, StorageBackend } from '../../storage/backend.ts';
import type { OperationContext } from '../context.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import { mustStop, type PurgeOutcome, type PurgeRun } from './purge-run.ts';
import { bytesRemain, removeObjects } from './remove-objects.ts';

/** How old a multipart session or temporary file must be before nobody can be at work on it. */
const ABANDONED_AFTER_MILLISECONDS = 24 * 3_600_000;
/** What the local directory calls a file that is being written. */
const TEMPORARY_NAME = '.asset-cli-tmp-';

/** How much a run would clean up; multipart leftovers are met only by going through them. */
export async function* countLeftovers(run: PurgeRun): AsyncGenerator<PurgeOutcome> {
  const catalog = await run.context.catalog();
  const counts = await catalog.leftovers.count(filterOf(run));
  yield { kind: 'leftovers', count: counts.reduce((sum, { count }) => sum + count, 0), bytes: 0 };
}

/**
 * Finishes or undoes what died in between (rule 4): bytes of interrupted uploads and deletes and of former copies past
 * their time, then multipart sessions and temporary files that nobody is at work on.
 */
export async function* purgeLeftovers(run: PurgeRun): AsyncGenerator<PurgeOutcome> {
  const { context } = run;
  const catalog = await context.catalog();
  while (!mustStop(run)) {
    const claimed = await catalog.leftovers.claim(filterOf(run), run.batchSize, context.leaseSeconds);
    if (claimed.length === 0) break;
    yield* finishLeftovers(context, run.stores.usable, claimed);
  }
  for (const store of run.stores.usable.values()) {
    if (!mustStop(run)) yield* discardAbandoned(context, store);
  }
}

function filterOf({ stores, scope }: PurgeRun): LeftoverFilter {
  const backends = [...stores.usable.keys()];
  return 'organization' in scope ? { backends, organization: scope.organization } : { backends };
}

/** Removes the bytes of leftovers that are claimed, and says what became of them. */
export async function* finishLeftovers(
  context: OperationContext,
  stores: ReadonlyMap<string, StorageBackend>,
  claimed: readonly Leftover[],
): AsyncGenerator<PurgeOutcome> {
  await abortSessions(context, stores, claimed);
  const stuck = await removeObjects(context, claimed);
  for (const { objectId: id } of claimed) {
    const reason = stuck.get(id);
    if (reason !== undefined) yield { kind: 'failed', subject: { id }, failure: toFailure(bytesRemain(id, reason)) };
  }
  const gone = claimed.filter(({ objectId }) => !stuck.has(objectId));
  const bytes = gone.reduce((sum, { storedSize }) => sum + storedSize, 0);
  yield { kind: 'leftovers', count: gone.length, bytes };
}

/** The multipart sessions of uploads that were given up, so that no part can be added any more. */
async function abortSessions(
  context: OperationContext,
  stores: ReadonlyMap<string, StorageBackend>,
  claimed: readonly Leftover[],
): Promise<void> {
  for (const [name, store] of stores) {
    const sessions = new Set(
      claimed.flatMap(({ backend, uploadSession }) => (backend === name && uploadSession ? [uploadSession] : [])),
    );
    if (sessions.size === 0 || store.abandonedUploads === undefined) continue;
    try {
      for await (const upload of store.abandonedUploads(new Date(Date.now() + ABANDONED_AFTER_MILLISECONDS))) {
        if (sessions.has(upload.id)) await upload.discard();
      }
    } catch (error) {
      context.warn(`multipart sessions of ${name} are ended later: ${asAssetError(error).message}`);
    }
  }
}

async function* discardAbandoned(context: OperationContext, store: StorageBackend): AsyncGenerator<PurgeOutcome> {
  if (store.abandonedUploads === undefined) return;
  let count = 0;
  try {
    for await (const upload of store.abandonedUploads(new Date(Date.now() - ABANDONED_AFTER_MILLISECONDS))) {
      if (!(await isNobodys(context, store, upload))) continue;
      await upload.discard();
      count += 1;
    }
  } catch (error) {
    yield { kind: 'failed', subject: { backend: store.name }, failure: toFailure(asAssetError(error)) };
  }
  if (count > 0) yield { kind: 'leftovers', count, bytes: 0 };
}

/** Another tool's uploads into the same bucket are not ours to end; a slow one of ours holds its lease. */
async function isNobodys(context: OperationContext, store: StorageBackend, upload: AbandonedUpload): Promise<boolean> {
  if (upload.key.includes(TEMPORARY_NAME)) return true;
  if (!isOwnKey(upload.key)) return false;
  const catalog = await context.catalog();
  return !(await catalog.leftovers.alivePaths(store.name, [upload.key])).has(upload.key);
}
