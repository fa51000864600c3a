import { randomUUID } from 'node:crypto';
import type { Asset } from '../../core/asset.ts';
import type { Identity } from '../../core/identity.ts';
import { keyFilename } from '../../core/storage-key.ts';
import { assetChanges, assetsOnObjects, assetsToDecideOn } from '../assets/asset-query.ts';
import { writeAudit } from '../audit/audit-write.ts';
import type { AuditContext, ClaimedObject, MoveCommit, MoveResult, ObjectRecord, WholeMove } from '../catalog.ts';
import type { Session } from '../database.ts';
import { lockObjects, markDeleting, markStored, storedObjects } from '../objects.ts';
import { toAsset } from '../rows.ts';
import { contentKey, lockVerdicts } from '../verdicts/verdicts.ts';
import { countMoves } from './migration-runs.ts';
import { chooseTarget, copiedFrom, keepAddresses, type MoveTarget, placeOf } from './move-commit.ts';

interface WholeMoves {
  identity: Identity;
  moves: readonly WholeMove[];
  runId: string;
  leaseSeconds: number;
  context: AuditContext;
}

type Plan =
  | { kind: 'undo'; move: WholeMove; reason: 'source-changed' | 'target-changed' | 'infected' }
  | { kind: 'move'; move: WholeMove; source: ObjectRecord; target: MoveTarget; sourceEnd: MoveCommit['sourceEnd'] };
type Going = Extract<Plan, { kind: 'move' }>;

/**
 * Rule 6, last transaction, for many objects at once: a fixed number of statements, however many there are. Each
 * object is judged by itself, under the same locks and conditions as a single move.
 */
export async function commitWholeMoves(session: Session, batch: WholeMoves): Promise<MoveResult[]> {
  const { moves, leaseSeconds } = batch;
  if (moves.length === 0) return [];
  const now = await session.now();
  const plans = await planAll(session, moves);
  const going = plans.filter((plan) => plan.kind === 'move');
  const assets = await assetsOf(session, going);
  const removable = await endSources(session, going, leaseSeconds, now);
  await arriveAll(session, going, now);
  const carried = await carryAll(session, going, assets, now);
  await recordAll(session, batch, going, assets, now);
  const discarded = await discardOwn(session, plans, leaseSeconds, now);
  await countMoves(session, batch.runId, {
    objects: going.length,
    assets: carried.size,
    bytes: going.reduce((sum, { source }) => sum + source.storedSize, 0),
  });
  return plans.map((plan): MoveResult => {
    const discard = discarded.get(plan.move.target.objectId);
    const toDiscard = discard === undefined ? {} : { discard };
    if (plan.kind === 'undo') return { kind: 'undone', reason: plan.reason, ...toDiscard };
    const freed = removable.get(plan.source.id);
    return {
      kind: 'moved',
      target: plan.target.object,
      assets: (assets.get(plan.source.id) ?? []).flatMap(({ id }) => carried.get(id) ?? []),
      ...(freed === undefined ? {} : { removable: freed }),
      ...toDiscard,
    };
  });
}

async function planAll(session: Session, moves: readonly WholeMove[]): Promise<Plan[]> {
  const sources = moves.map((move) => move.source);
  const verdicts = await lockVerdicts(session, sources);
  const present = await storedObjects(session, sources);
  const targetIds = moves.map((move) => move.target.objectId);
  const ids = [...sources.map(({ id }) => id), ...targetIds, ...present.map(({ id }) => id)];
  const objects = await lockObjects(session, ids);
  const copies = await copiedFrom(session, targetIds);
  return moves.map((move): Plan => {
    const source = objects.get(move.source.id);
    if (source === undefined || source.state !== move.source.state || source.etag !== move.source.etag) {
      return { kind: 'undo', move, reason: 'source-changed' };
    }
    const target = chooseTarget(move, source, objects, copies);
    if (target === undefined) return { kind: 'undo', move, reason: 'target-changed' };
    const isInfected = verdicts.get(contentKey(source))?.status === 'INFECTED';
    if (isInfected && target.object.isPublic) return { kind: 'undo', move, reason: 'infected' };
    // No former copy of infected content is kept.
    return { kind: 'move', move, source, target, sourceEnd: isInfected ? { kind: 'delete' } : move.sourceEnd };
  });
}

/** Locked, by the object they are on. */
async function assetsOf(session: Session, going: readonly Going[]): Promise<Map<string, Asset[]>> {
  const ids = going.map(({ source }) => source.id);
  const query = assetsOnObjects(session, ids).selectAll('assets').orderBy('assets.id');
  const rows = await session.dialect.forUpdate(query, 'assets').execute();
  const assets = new Map<string, Asset[]>();
  for (const row of rows) assets.set(row.object_id, [...(assets.get(row.object_id) ?? []), toAsset(row)]);
  return assets;
}

async function endSources(
  session: Session,
  going: readonly Going[],
  leaseSeconds: number,
  now: string,
): Promise<Map<string, ClaimedObject>> {
  const gone = going.filter(({ sourceEnd }) => sourceEnd.kind === 'delete').map(({ source }) => source);
  const claims = gone.map(({ id }) => ({ objectId: id, claim: randomUUID() }));
  const removable = await markDeleting(session, claims, leaseSeconds, now);
  await keepAddresses(session, gone, now);
  await retainSources(session, going, now);
  return new Map(removable.map((object) => [object.objectId, object]));
}

async function retainSources(session: Session, going: readonly Going[], now: string): Promise<void> {
  const bySeconds = new Map<number, string[]>();
  for (const { sourceEnd, source } of going) {
    if (sourceEnd.kind !== 'retain') continue;
    bySeconds.set(sourceEnd.seconds, [...(bySeconds.get(sourceEnd.seconds) ?? []), source.id]);
  }
  for (const [seconds, ids] of bySeconds) {
    const kept = session.dialect.rowSet(
      { id: 'uuid' },
      ids.map((id) => ({ id })),
    );
    await session.db
      .updateTable('objects')
      .set({ state: 'RETAINED', retain_until: session.dialect.nowPlus(seconds), updated_at: now })
      .where('id', 'in', (eb) => eb.selectFrom(kept).select('r.id'))
      .execute();
  }
}

async function arriveAll(session: Session, going: readonly Going[], now: string): Promise<void> {
  const arrived = going.filter(({ target }) => target.isNew);
  const current = arrived.filter(({ move }) => move.targetRetainSeconds === undefined);
  await markStored(session, current.flatMap(factsOf), now);
  for (const plan of arrived) {
    if (plan.move.targetRetainSeconds === undefined) continue;
    await markStored(session, factsOf(plan), now, plan.move.targetRetainSeconds);
  }
}

function factsOf({ move: { target } }: Going) {
  return target.kind === 'store' ? [{ objectId: target.objectId, facts: target.facts }] : [];
}

/** The assets as they are afterwards, by id. */
async function carryAll(
  session: Session,
  going: readonly Going[],
  assets: ReadonlyMap<string, readonly Asset[]>,
  now: string,
): Promise<Map<string, Asset>> {
  const places = going.flatMap(({ move, source, target: { object } }) =>
    (assets.get(source.id) ?? []).map(({ id }) => ({
      id,
      object_id: object.id,
      filename: keyFilename(object.storagePath),
      storage_provider: object.storageProvider,
      backend: object.backend,
      storage_path: object.storagePath,
      cdn_url: move.cdnUrl,
    })),
  );
  if (places.length === 0) return new Map();
  const kinds = {
    id: 'uuid',
    object_id: 'uuid',
    filename: 'text',
    storage_provider: 'text',
    backend: 'text',
    storage_path: 'text',
    cdn_url: 'text?',
  } as const;
  await assetChanges(session)
    .updateTable('assets')
    .from(session.dialect.rowSet(kinds, places))
    .set((eb) => ({
      object_id: eb.ref('r.object_id'),
      filename: eb.ref('r.filename'),
      storage_provider: eb.ref('r.storage_provider'),
      backend: eb.ref('r.backend'),
      storage_path: eb.ref('r.storage_path'),
      cdn_url: eb.ref('r.cdn_url'),
      damaged_at: null,
      updated_at: now,
    }))
    .whereRef('assets.id', '=', 'r.id')
    .execute();
  const rows = await assetsToDecideOn(
    session,
    places.map(({ id }) => id),
  )
    .selectAll('assets')
    .execute();
  return new Map(rows.map((row) => [row.id, toAsset(row)]));
}

/** One event for each asset, with everything that a manifest says of it. */
async function recordAll(
  session: Session,
  { identity, runId, context }: WholeMoves,
  going: readonly Going[],
  assets: ReadonlyMap<string, readonly Asset[]>,
  now: string,
): Promise<void> {
  const events = going.flatMap(({ source, target }) =>
    (assets.get(source.id) ?? []).map((asset) => ({
      actor: identity.user,
      organizationId: asset.organizationId,
      action: 'migrated',
      assetId: asset.id,
      assetUserId: asset.userId,
      outcome: 'success' as const,
      details: {
        originalFilename: asset.originalFilename,
        run: runId,
        size: asset.fileSize,
        sha256: asset.fileHash,
        from: placeOf(source),
        to: placeOf(target.object),
      },
    })),
  );
  await writeAudit(session, events, context, now);
}

/** Our own copies that did not become a target turn DELETING, as far as they are still ours. By object id. */
async function discardOwn(
  session: Session,
  plans: readonly Plan[],
  leaseSeconds: number,
  now: string,
): Promise<Map<string, ClaimedObject>> {
  const ours = plans.flatMap((plan) => {
    if (plan.move.target.kind !== 'store') return [];
    return plan.kind === 'undo' || !plan.target.isNew ? [plan.move.target] : [];
  });
  if (ours.length === 0) return new Map();
  const rows = await lockObjects(
    session,
    ours.map(({ objectId }) => objectId),
  );
  const held = ours.filter(({ objectId, claim }) => {
    const row = rows.get(objectId);
    return row?.state === 'PENDING' && row.claim === claim;
  });
  const claims = held.map(({ objectId }) => ({ objectId, claim: randomUUID() }));
  const discarded = await markDeleting(session, claims, leaseSeconds, now);
  return new Map(discarded.map((object) => [object.objectId, object]));
}
