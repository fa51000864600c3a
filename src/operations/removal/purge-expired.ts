import { setTimeout as sleep } from 'node:timers/promises';
import type { PurgedAsset, PurgeFilter, PurgeKind } from '../../catalog/catalog.ts';
import { decideOnMaintenance } from '../../core/access-policy.ts';
import { toFailure } from '../../core/errors.ts';
import { organizationScope } from '../assets/organization-scope.ts';
import { workAhead } from '../concurrently.ts';
import type { OperationContext } from '../context.ts';
import { requireMaintenance } from '../maintenance-rights.ts';
import { finishInfected } from '../scan/finish-infected.ts';
import { openStoresInUse } from '../stores/stores-in-use.ts';
import { publicContents, removeFormerCopiesOrWarn } from './former-copies.ts';
import { checkMaxDelete } from './max-delete.ts';
import { countLeftovers, purgeLeftovers } from './purge-leftovers.ts';
import { mustStop, type PurgeOutcome, type PurgeRequest, type PurgeRun } from './purge-run.ts';
import { bytesRemain, REMOVALS_AT_ONCE, removeObjects } from './remove-objects.ts';

const KINDS: readonly PurgeKind[] = ['expired', 'trash'];
/** On a shared database nobody may wait long for what a transaction holds; on an embedded one a commit is what costs. */
const BATCH_SIZES = { postgres: 150, sqlite: 1500 } as const;
/** Batches whose bytes go at once: about as many assets on either database. */
const BATCHES_AT_ONCE = { postgres: REMOVALS_AT_ONCE, sqlite: 3 } as const;
const DRY_RUN_PAGE = 500;
const BUSY_PAUSE_MILLISECONDS = 100;

/**
 * Removes what has expired, trash past its time, and what interrupted commands left behind: organisation by
 * organisation, the longest due first, in small transactions that repeat every condition under lock. Any number of
 * hosts may run it at once, and it may be killed at any time.
 * @throws AssetError NOT_PERMITTED, MAX_DELETE_EXCEEDED, USAGE
 */
export async function* purgeExpired(context: OperationContext, request: PurgeRequest): AsyncGenerator<PurgeOutcome> {
  const run = await prepare(context, request);
  const due = Math.min(await countDue(run), request.limit ?? Number.POSITIVE_INFINITY);
  if (request.maxDelete !== undefined) await checkMaxDelete(context, request.maxDelete, due, run.scope);
  yield { kind: 'due', count: due };
  let planned = 0;
  for (const organization of run.organizations) {
    for (const kind of KINDS) {
      const filter = filterFor(run, organization, kind);
      for await (const outcome of request.dryRun ? planAssets(run, filter) : purgeAssets(run, filter)) {
        if (outcome.kind === 'would-purge') planned += 1;
        yield outcome;
      }
    }
  }
  if (!isFiltered(request) && !request.dryRun) yield* quarantineInfected(run);
  if (touchesLeftovers(run)) yield* request.dryRun ? countLeftovers(run) : purgeLeftovers(run);
  yield* reportBrokenStores(run);
  yield { kind: 'remaining', count: Math.max(0, (await countDue(run)) - planned) };
}

/** How many assets are due, and how large their content is: what a confirmation names. */
export async function measurePurge(
  context: OperationContext,
  request: PurgeRequest,
): Promise<{ count: number; bytes: number }> {
  const run = await prepare(context, request);
  const total = { count: 0, bytes: 0 };
  for (const each of await dueByBackend(run)) {
    total.count += each.count;
    total.bytes += each.bytes;
  }
  return total;
}

async function prepare(context: OperationContext, request: PurgeRequest): Promise<PurgeRun> {
  requireMaintenance(context, 'purge');
  const scope = organizationScope(context.identity, request.allOrganizations);
  const catalog = await context.catalog();
  return {
    context,
    request,
    scope,
    organizations: await catalog.purge.organizations(scope),
    stores: await openStoresInUse(context, request.backend),
    batchSize: request.batchSize ?? BATCH_SIZES[catalog.kind],
    left: request.limit ?? Number.POSITIVE_INFINITY,
    deadline: request.maxDuration === undefined ? Number.POSITIVE_INFINITY : performance.now() + request.maxDuration,
  };
}

function isFiltered({ assetType, projectId }: PurgeRequest): boolean {
  return assetType !== undefined || projectId !== undefined;
}

/** What a scan found and was killed before it could move or remove. */
async function* quarantineInfected({ context, scope }: PurgeRun): AsyncGenerator<PurgeOutcome> {
  let count = 0;
  for await (const { content, treatment } of finishInfected(context, scope)) {
    if (treatment.kind === 'done') count += 1;
    if (treatment.kind !== 'failed') continue;
    yield { kind: 'failed', subject: { sha256: content.sha256 }, failure: treatment.failure };
  }
  if (count > 0) yield { kind: 'quarantined', count };
}

/** Filters on assets say nothing of leftovers, which belong to the store and thus to operators. */
function touchesLeftovers({ context, request }: PurgeRun): boolean {
  return !isFiltered(request) && decideOnMaintenance(context.identity, 'touch-leftovers') === 'allow';
}

function filterFor({ request, stores }: PurgeRun, organization: string, kind: PurgeKind): PurgeFilter {
  const { assetType, projectId, before } = request;
  return {
    organization,
    kind,
    backends: [...stores.usable.keys()],
    ...(assetType === undefined ? {} : { assetType }),
    ...(projectId === undefined ? {} : { projectId }),
    ...(before === undefined ? {} : { before }),
  };
}

async function* planAssets(run: PurgeRun, filter: PurgeFilter): AsyncGenerator<PurgeOutcome> {
  const catalog = await run.context.catalog();
  let after: string | undefined;
  while (run.left > 0 && !mustStop(run)) {
    const page = await catalog.purge.page(filter, Math.min(DRY_RUN_PAGE, run.left), after);
    for (const { id, organizationId, fileSize } of page.assets) {
      yield { kind: 'would-purge', id, organizationId, reason: filter.kind, bytes: fileSize };
    }
    run.left -= page.assets.length;
    if (page.nextCursor === null) return;
    after = page.nextCursor;
  }
}

/** The bytes of some batches go while the rows of the next are taken. */
async function* purgeAssets(run: PurgeRun, filter: PurgeFilter): AsyncGenerator<PurgeOutcome> {
  const batches = takeBatches(run, filter);
  const { kind } = await run.context.catalog();
  const removals = workAhead(batches, BATCHES_AT_ONCE[kind], (taken) => removeTaken(run.context, filter.kind, taken));
  for await (const outcomes of removals) yield* outcomes;
}

/** What another holds is come back to for as long as a lease, then left to the other. */
async function* takeBatches(run: PurgeRun, filter: PurgeFilter): AsyncGenerator<readonly PurgedAsset[]> {
  const { context } = run;
  const catalog = await context.catalog();
  let busySince: number | undefined;
  while (run.left > 0 && !mustStop(run)) {
    const size = Math.min(run.batchSize, run.left);
    const taken = await catalog.purge.take(context.identity, filter, size, context.leaseSeconds, context.audit);
    // An empty batch too: it lets the outcome of an earlier one through.
    yield taken;
    if (taken.length > 0) {
      busySince = undefined;
      run.left -= taken.length;
      continue;
    }
    if ((await countUsable(run, filter)) === 0) return;
    busySince ??= performance.now();
    if (performance.now() - busySince > context.leaseSeconds * 1000) return;
    await sleep(BUSY_PAUSE_MILLISECONDS);
  }
}

async function removeTaken(
  context: OperationContext,
  kind: PurgeKind,
  taken: readonly PurgedAsset[],
): Promise<PurgeOutcome[]> {
  const stuck = await removeObjects(
    context,
    taken.flatMap(({ removable }) => removable ?? []),
  );
  // Leftovers are not for everyone who purges.
  await removeFormerCopiesOrWarn(context, publicContents(taken.map(({ asset }) => asset)));
  return taken.map(({ asset, bytesFreed: bytes, removable }): PurgeOutcome => {
    const reason = removable === undefined ? undefined : stuck.get(removable.objectId);
    const { id, organizationId } = asset;
    if (reason === undefined) return { kind: 'purged', id, organizationId, reason: kind, bytes };
    return { kind: 'failed', subject: { id }, failure: toFailure(bytesRemain(id, reason)) };
  });
}

async function countUsable(run: PurgeRun, filter: PurgeFilter): Promise<number> {
  const catalog = await run.context.catalog();
  const due = await catalog.purge.due(filter);
  return due.reduce((sum, { backend, count }) => sum + (run.stores.usable.has(backend) ? count : 0), 0);
}

async function dueByBackend(run: PurgeRun): Promise<{ backend: string; count: number; bytes: number }[]> {
  const catalog = await run.context.catalog();
  const due: { backend: string; count: number; bytes: number }[] = [];
  for (const organization of run.organizations) {
    for (const kind of KINDS) due.push(...(await catalog.purge.due(filterFor(run, organization, kind))));
  }
  const { backend } = run.request;
  return backend === undefined ? due : due.filter((each) => each.backend === backend);
}

async function countDue(run: PurgeRun): Promise<number> {
  return (await dueByBackend(run)).reduce((sum, { count }) => sum + count, 0);
}

/** A store that is down matters only if something is due there. */
async function* reportBrokenStores(run: PurgeRun): AsyncGenerator<PurgeOutcome> {
  if (run.stores.broken.size === 0) return;
  const catalog = await run.context.catalog();
  const waiting = [...(await dueByBackend(run))];
  if (touchesLeftovers(run)) {
    waiting.push(
      ...(await catalog.leftovers.count({ backends: [...run.stores.broken.keys()] })).map((each) => ({
        ...each,
        bytes: 0,
      })),
    );
  }
  for (const [backend, error] of run.stores.broken) {
    const count = waiting.reduce((sum, each) => sum + (each.backend === backend ? each.count : 0), 0);
    const { code, message, hint } = toFailure(error);
    if (count === 0) {
      // One that was taken out of the configuration has nothing more to be cleaned of.
      const isConfigured = run.context.backends.names.includes(backend);
      if (isConfigured) run.context.warn(`what was left behind in ${backend} is not cleaned up: ${message}`);
      continue;
    }
    const told = `${message}; ${count} due there wait for the next run`;
    yield {
      kind: 'failed',
      subject: { backend },
      failure: hint === undefined ? { code, message: told } : { code, message: told, hint },
    };
  }
}
