import { randomUUID } from 'node:crypto';
import type { Identity } from '../../core/identity.ts';
import { keyFilename } from '../../core/storage-key.ts';
import { assetChanges, assetsOnObjects } from '../assets/asset-query.ts';
import { writeAudit } from '../audit/audit-write.ts';
import type {
  AuditContext,
  ClaimedObject,
  MoveCommit,
  MovedAsset,
  ObjectRecord,
  WholeMove,
  WholeMoveResult,
} from '../catalog.ts';
import type { Session } from '../database.ts';
import { lockObjects, markDeleting, markStored, storedObjectsIn } from '../objects.ts';
import { contentKey, lockInfected } from '../verdicts/verdicts.ts';
import { countMoves } from './migration-runs.ts';
import { byPlace, chooseTarget, keepAddresses, type MoveTarget, placeOf } from './move-commit.ts';

interface WholeMoves {
  identity: Identity;
  moves: readonly WholeMove[];
  run: { id: string; to: string };
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
export async function commitWholeMoves(session: Session, batch: WholeMoves): Promise<WholeMoveResult[]> {
  const { moves, leaseSeconds, run } = batch;
  if (moves.length === 0) return [];
  const now = await session.now();
  const plans = await planAll(session, moves, run.to);
  const going = plans.filter((plan) => plan.kind === 'move');
  const assets = await assetsOf(session, going);
  const removable = await endSources(session, going, leaseSeconds, now);
  await arriveAll(session, going, now);
  await carryAll(session, going, assets, now);
  await recordAll(session, batch, going, assets, now);
  const discarded = await discardOwn(session, plans, leaseSeconds, now);
  await countMoves(session, run.id, {
    objects: going.length,
    assets: [...assets.values()].reduce((sum, { length }) => sum + length, 0),
    bytes: going.reduce((sum, { source }) => sum + source.storedSize, 0),
  });
  return plans.map((plan): WholeMoveResult => {
    const discard = discarded.get(plan.move.target.objectId);
    const toDiscard = discard === undefined ? {} : { discard };
    if (plan.kind === 'undo') return { kind: 'undone', reason: plan.reason, ...toDiscard };
    const freed = removable.get(plan.source.id);
    return {
      kind: 'moved',
      target: plan.target.object,
      assets: assets.get(plan.source.id) ?? [],
      ...(freed === undefined ? {} : { removable: freed }),
      ...toDiscard,
    };
  });
}

async function planAll(session: Session, moves: readonly WholeMove[], to: string): Promise<Plan[]> {
  const sources = moves.map((move) => move.source);
  const infected = await lockInfected(session, sources);
  const present = await storedObjectsIn(session, sources, to);
  const ids = [...sources, ...present].map(({ id }) => id);
  const objects = await lockObjects(session, [...ids, ...moves.map((move) => move.target.objectId)]);
  const stored = byPlace(objects.values());
  const gone = new Set<string>();
  return moves.map((move): Plan => {
    // Whoever moves an object that another of these moves takes comes too late, as it would in a transaction of its own.
    const source = gone.has(move.source.id) ? undefined : objects.get(move.source.id);
    if (source === undefined || source.state !== move.source.state || source.etag !== move.source.etag) {
      return { kind: 'undo', move, reason: 'source-changed' };
    }
    const target = chooseTarget(move, source, objects, stored);
    if (target?.object.backend !== to) return { kind: 'undo', move, reason: 'target-changed' };
    const isInfected = infected.has(contentKey(source));
    if (isInfected && target.object.isPublic) return { kind: 'undo', move, reason: 'infected' };
    gone.add(source.id);
    // No former copy of infected content is kept.
    return { kind: 'move', move, source, target, sourceEnd: isInfected ? { kind: 'delete' } : move.sourceEnd };
  });
}

/** What is recorded of an asset, and told, whatever else it says. */
interface Carried extends MovedAsset {
  userId: string | null;
  originalFilename: string;
  damagedAt: string | null;
}

/** Locked, by the object they are on. */
async function assetsOf(session: Session, going: readonly Going[]): Promise<Map<string, Carried[]>> {
  const ids = going.map(({ source }) => source.id);
  const query = assetsOnObjects(session, ids)
    .select([
      'assets.id as id',
      'assets.object_id as objectId',
      'assets.organization_id as organizationId',
      'assets.user_id as userId',
      'assets.original_filename as originalFilename',
      'assets.file_size as fileSize',
      'assets.file_hash as fileHash',
      'assets.damaged_at as damagedAt',
    ])
    .orderBy('assets.id');
  const rows = await session.dialect.forUpdate(query, 'assets').execute();
  const assets = new Map<string, Carried[]>();
  for (const { objectId, ...asset } of rows) {
    const others = assets.get(objectId);
    if (others === undefined) assets.set(objectId, [asset]);
    else others.push(asset);
  }
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

async function carryAll(
  session: Session,
  going: readonly Going[],
  assets: ReadonlyMap<string, readonly Carried[]>,
  now: string,
): Promise<void> {
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
  if (places.length === 0) return;
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
      updated_at: now,
    }))
    .whereRef('assets.id', '=', 'r.id')
    .execute();
  await clearDamage(session, [...assets.values()].flat());
}

/** What was copied is whole. Only of those that need it: an asset's status, which this may change, is in many indexes. */
async function clearDamage(session: Session, assets: readonly Carried[]): Promise<void> {
  const damaged = assets.filter(({ damagedAt }) => damagedAt !== null);
  if (damaged.length === 0) return;
  const ids = session.dialect.rowSet(
    { id: 'uuid' },
    damaged.map(({ id }) => ({ id })),
  );
  await assetChanges(session)
    .updateTable('assets')
    .set({ damaged_at: null })
    .where('id', 'in', (eb) => eb.selectFrom(ids).select('r.id'))
    .execute();
}

/** One event for each asset, with everything that a manifest says of it. */
async function recordAll(
  session: Session,
  { identity, run, context }: WholeMoves,
  going: readonly Going[],
  assets: ReadonlyMap<string, readonly Carried[]>,
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
        run: run.id,
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
