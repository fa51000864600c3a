import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Asset } from '../../core/asset.ts';
import { AssetError } from '../../core/errors.ts';
import { createChannel } from '../channel.ts';
import type { OperationContext } from '../context.ts';
import { requireMaintenance } from '../maintenance-rights.ts';
import { measureSelection } from '../removal/delete.ts';
import { openCandidate, openOwnStore } from '../stores/own-store.ts';
import { candidatesOf, formerCopiesOf, narrowed } from './migrate-candidates.ts';
import { createManifest, type ManifestWriter } from './migrate-manifest.ts';
import { type Candidate, type MigrateOutcome, type MigrateRequest, type MigrateRun, mustStop } from './migrate-run.ts';
import { skipObjects } from './migrate-skips.ts';
import { type MovePipeline, targetKey, withPipeline } from './move-pipeline.ts';

const PROGRESS_MILLISECONDS = 1000;
const BUSY_PAUSE_MILLISECONDS = 250;
/** A second pass takes what was stored in the source meanwhile; what comes later is for the next run. */
const PASSES = 2;

/**
 * Moves assets from one backend to another: each object is copied, verified, switched with all its assets in one
 * transaction, and released. Progress is the data itself, so that it may be killed at any time and go on anywhere, on
 * as many hosts as run it.
 * @throws AssetError NOT_PERMITTED, USAGE, TARGET_EXISTS, what either store says of itself
 */
export async function* migrate(context: OperationContext, request: MigrateRequest): AsyncGenerator<MigrateOutcome> {
  const channel = createChannel<MigrateOutcome>();
  const run = await prepare(context, request, channel.push);
  const timer = setInterval(() => {
    const underWay = [...run.underWay.values()].reduce((sum, bytes) => sum + bytes, 0);
    run.emit({ kind: 'progress', underWay, awaited: run.awaited });
  }, PROGRESS_MILLISECONDS);
  timer.unref();
  const working = (request.dryRun ? plan(run) : work(run)).then(channel.end, channel.fail);
  try {
    yield* channel;
  } finally {
    run.deadline = 0;
    clearInterval(timer);
    await working;
  }
}

/** What a confirmation names: assets that match and lie in the source. */
export async function measureMigration(
  context: OperationContext,
  request: MigrateRequest,
): Promise<{ count: number; bytes: number }> {
  const { selection } = request;
  if (selection.kind !== 'failed') return measureSelection(context, narrowed({ request }, selection));
  const catalog = await context.catalog();
  const total = { count: 0, bytes: 0 };
  let after: string | undefined;
  do {
    const page = await catalog.migrations.failedObjects(request, after, 500);
    const references = await catalog.inventory.assetsOn(page.map(({ id }) => id));
    total.count += references.length;
    total.bytes += page.reduce((sum, { size }) => sum + size, 0);
    after = page.at(-1)?.id;
  } while (after !== undefined);
  return total;
}

/**
 * What can be said before anything is moved, or anyone is asked.
 * @throws AssetError NOT_PERMITTED, USAGE, CONFIG_INVALID for a backend that is none
 */
export async function checkMigration(context: OperationContext, { from, to }: MigrateRequest): Promise<void> {
  requireMaintenance(context, 'migrate');
  if (from === to) {
    throw new AssetError('USAGE', 'The source and the destination are the same backend', {
      hint: 'Name two backends of the configuration with --from and --to.',
    });
  }
  for (const name of [from, to]) await context.backends.open(name);
}

async function prepare(
  context: OperationContext,
  request: MigrateRequest,
  emit: MigrateRun['emit'],
): Promise<MigrateRun> {
  await checkMigration(context, request);
  return {
    id: randomUUID(),
    context,
    request,
    from: await openOwnStore(context, request.from),
    to: await (request.dryRun ? openCandidate(context, request.to) : openOwnStore(context, request.to)),
    deadline: request.maxDuration === undefined ? Number.POSITIVE_INFINITY : performance.now() + request.maxDuration,
    halted: undefined,
    broken: undefined,
    underWay: new Map(),
    awaited: 0,
    uncertain: new Set(),
    skipped: 0,
    emit,
  };
}

async function work(run: MigrateRun): Promise<void> {
  const { context, request } = run;
  const catalog = await context.catalog();
  const { scope, from, to, selection } = request;
  const manifest = request.manifest === undefined ? undefined : await createManifest(request.manifest, run);
  const organization = 'organization' in scope ? scope.organization : null;
  const { user: actor } = context.identity;
  await catalog.migrations.begin({ id: run.id, organization, actor, from, to }, context.audit);
  // Names that are piped in can be read once only: how many they are shows as they come.
  const isStream = selection.kind === 'ids' && !Array.isArray(selection.ids);
  const total = isStream ? { count: 0, bytes: 0 } : await measureMigration(context, request);
  run.emit({ kind: 'begun', runId: run.id, total });
  if (manifest !== undefined) listIn(run, manifest);
  await withPipeline(run, (pipeline) => moveAll(run, pipeline));
  await manifest?.end();
  const remaining = selection.kind === 'filter' ? (await measureMigration(context, request)).count : 0;
  await catalog.migrations.end(run.id, run.skipped, remaining);
  run.emit({ kind: 'ended', remaining });
  if (run.broken !== undefined) throw run.broken;
}

function listIn(run: MigrateRun, manifest: ManifestWriter): void {
  const { emit } = run;
  run.emit = (outcome) => {
    if (outcome.kind === 'moved') manifest.add(outcome.source, outcome.to, outcome.assets);
    emit(outcome);
  };
}

async function moveAll(run: MigrateRun, pipeline: MovePipeline): Promise<void> {
  const passes = run.request.selection.kind === 'filter' ? PASSES : 1;
  const stuck = new Set<string>();
  const { emit } = run;
  let moved = 0;
  run.emit = (outcome) => {
    if (outcome.kind === 'moved') moved += 1;
    if (outcome.kind === 'failed' || outcome.kind === 'skipped') for (const id of outcome.ids) stuck.add(id);
    emit(outcome);
  };
  for (let pass = 1; pass <= passes && !mustStop(run); pass += 1) {
    const before = moved;
    for await (const page of candidatesOf(run)) {
      await pipeline.offer(pass === 1 ? page : await withoutStuck(run, page, stuck));
      if (mustStop(run)) break;
    }
    await pipeline.settle();
    if (moved === before) break;
  }
  if (run.request.withFormerCopies) {
    for await (const page of formerCopiesOf(run)) await pipeline.offer(page);
    await pipeline.settle();
  }
  await comeBack(run, pipeline);
}

/** What has failed or was skipped in this run is not tried again by it. */
async function withoutStuck(
  { context }: MigrateRun,
  page: readonly Candidate[],
  stuck: ReadonlySet<string>,
): Promise<readonly Candidate[]> {
  if (stuck.size === 0) return page;
  const catalog = await context.catalog();
  const references = await catalog.inventory.assetsOn(page.map(({ source }) => source.id));
  const objects = new Set(references.filter(({ assetId }) => stuck.has(assetId)).map(({ objectId }) => objectId));
  return page.filter(({ source }) => !objects.has(source.id));
}

/** What another was copying is come back to for as long as a lease, then left to it. */
async function comeBack(run: MigrateRun, pipeline: MovePipeline): Promise<void> {
  const until = performance.now() + (run.context.leaseSeconds + 1) * 1000;
  let busy = pipeline.takeBusy();
  while (busy.length > 0 && performance.now() < until && !mustStop(run)) {
    run.awaited = busy.length;
    await pipeline.offer(busy);
    await pipeline.settle();
    busy = pipeline.takeBusy();
    if (busy.length > 0) await sleep(BUSY_PAUSE_MILLISECONDS);
  }
  run.awaited = 0;
  await skipObjects(
    run,
    busy.map(({ source }) => ({ source, reason: 'busy' })),
  );
}

/** What would move, object by object, each with all its assets. */
async function plan(run: MigrateRun): Promise<void> {
  const total = { count: 0, bytes: 0 };
  run.emit({ kind: 'begun', runId: run.id, total });
  // Only objects with several assets can come up more than once.
  const seen = new Set<string>();
  const catalog = await run.context.catalog();
  for await (const page of candidatesOf(run)) {
    const assets = await assetsOn(run, page);
    const obstacles = await catalog.migrations.obstacles(
      run.to.name,
      page.map(({ source }) => source.id),
    );
    for (const { source } of page) {
      const on = assets.get(source.id) ?? [];
      if (seen.has(source.id)) continue;
      if (on.length > 1) seen.add(source.id);
      const reason = obstacles.get(source.id);
      if (reason !== undefined) {
        await skipObjects(run, [{ source, reason, assetIds: on.map(({ id }) => id) }]);
        continue;
      }
      const to = { backend: run.to.name, storagePath: targetKey(source) };
      run.emit({ kind: 'would-move', source, to, assets: on });
    }
  }
  run.emit({ kind: 'ended', remaining: 0 });
}

async function assetsOn({ context }: MigrateRun, page: readonly Candidate[]): Promise<Map<string, Asset[]>> {
  const catalog = await context.catalog();
  const references = await catalog.inventory.assetsOn(page.map(({ source }) => source.id));
  const ids = references.map(({ assetId }) => assetId);
  const assets = new Map<string, Asset[]>();
  for (const { asset, object } of await catalog.assets.byIds(context.identity, ids)) {
    assets.set(object.id, [...(assets.get(object.id) ?? []), asset]);
  }
  return assets;
}
