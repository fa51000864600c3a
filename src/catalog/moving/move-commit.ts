import { randomUUID } from 'node:crypto';
import type { Asset } from '../../core/asset.ts';
import type { Identity } from '../../core/identity.ts';
import { keyFilename } from '../../core/storage-key.ts';
import { type AssetState, carriedChange } from '../assets/asset-changes.ts';
import { assetChanges, assetsOnObjects } from '../assets/asset-query.ts';
import { type AuditDraft, writeAudit } from '../audit/audit-write.ts';
import type { AuditContext, ClaimedObject, MoveCommit, MoveResult, ObjectRecord } from '../catalog.ts';
import type { Session } from '../database.ts';
import { secondsAfter } from '../filters.ts';
import { type LockedObject, lockObjects, markDeleting, markStored, storedObjects } from '../objects.ts';
import { endPublicCopies, PUBLIC_ADDRESS_SECONDS } from '../removal/former-copies.ts';
import { changedEvent, lockAssetStates, refusalOf, refusedEvent } from '../removal/lifecycle.ts';
import { toAsset } from '../rows.ts';
import { placeKey } from '../uploads/upload-reserve.ts';
import { contentKey, lockVerdicts } from '../verdicts/verdicts.ts';

interface Moving {
  session: Session;
  identity: Identity;
  move: MoveCommit;
  leaseSeconds: number;
  context: AuditContext;
  now: string;
}

/** Rule 6, last transaction: assets, both rows and the audit trail change together, or our own copy is given up. */
export async function commitMove(
  session: Session,
  identity: Identity,
  move: MoveCommit,
  leaseSeconds: number,
  context: AuditContext,
): Promise<MoveResult> {
  const moving: Moving = { session, identity, move, leaseSeconds, context, now: await session.now() };
  const verdict = (await lockVerdicts(session, [move.source])).get(contentKey(move.source));
  const present = await storedObjects(session, [move.source]);
  const ids = [move.source.id, move.target.objectId, ...present.map((object) => object.id)];
  const objects = await lockObjects(session, ids);
  const source = objects.get(move.source.id);
  if (source === undefined || source.state !== move.source.state || source.etag !== move.source.etag) {
    return undo(moving, 'source-changed');
  }
  const isInfected = verdict?.status === 'INFECTED';
  const target = chooseTarget(move, source, objects, byPlace(objects.values()));
  if (target === undefined) return undo(moving, 'target-changed');
  // The infected stays where nobody gets at it, whatever else is wanted.
  if (isInfected && (target.object.isPublic || isRelease(move))) return undo(moving, 'infected');
  const on = await assetsOnObjects(session, [source.id]).select('assets.id').execute();
  const carried = on.map((row) => row.id).filter((id) => isCarried(move, id));
  const states = await lockAssetStates(session, carried);
  const reason = await refusal(moving, states);
  if (reason !== undefined) return undo(moving, reason);
  if (carried.length < on.length && placeKey(source) === placeKey(target.object) && !target.object.isPublic) {
    if (!source.isPublic) return undo(moving, 'target-changed');
  }
  const removable = carried.length === on.length ? await endSource(moving, source, isInfected) : undefined;
  if (target.isNew) await arrive(moving, target.object);
  const assets = await carry(moving, states, target.object);
  if (source.isPublic && !target.object.isPublic) await endPublicCopies(session, [source], moving.now);
  const discard = target.isNew ? undefined : await discardOwn(moving);
  return {
    kind: 'moved',
    target: target.object,
    assets,
    ...(removable === undefined ? {} : { removable }),
    ...(discard === undefined ? {} : { discard }),
  };
}

function isRelease({ carry: which }: MoveCommit): boolean {
  return which.kind === 'all' && which.change === 'release';
}

function isCarried({ carry: which }: MoveCommit, id: string): boolean {
  return which.kind === 'all' || which.assetId === id;
}

export interface MoveTarget {
  object: ObjectRecord;
  /** Our own PENDING row becomes it. */
  isNew: boolean;
}

/** Our copy; or, where the same private content became STORED there meanwhile, that. */
export function chooseTarget(
  move: Pick<MoveCommit, 'target' | 'targetRetainSeconds'>,
  source: ObjectRecord,
  objects: ReadonlyMap<string, LockedObject>,
  stored: ReadonlyMap<string, ObjectRecord>,
): MoveTarget | undefined {
  const named = objects.get(move.target.objectId);
  if (named === undefined || named.sha256 !== source.sha256 || named.organizationId !== source.organizationId) {
    return undefined;
  }
  if (move.target.kind === 'use') {
    const isUsable = named.state === 'STORED' && !named.isPublic && named.damagedAt === null;
    return isUsable && named.etag === move.target.etag ? { object: named, isNew: false } : undefined;
  }
  const isOurs = named.state === 'PENDING' && named.claim === move.target.claim;
  if (!isOurs || named.copiedFrom !== source.id) return undefined;
  const arrived: ObjectRecord = { ...named, ...move.target.facts, state: 'STORED', claim: null, leaseExpiresAt: null };
  if (named.isPublic || move.targetRetainSeconds !== undefined) return { object: arrived, isNew: true };
  const rival = stored.get(placeKey(named));
  if (rival === undefined || rival.id === source.id) return { object: arrived, isNew: true };
  return rival.damagedAt === null ? { object: rival, isNew: false } : undefined;
}

/** Those that are STORED and private, of which a place has one. */
export function byPlace(objects: Iterable<ObjectRecord>): Map<string, ObjectRecord> {
  const stored = [...objects].filter(({ state, isPublic }) => state === 'STORED' && !isPublic);
  return new Map(stored.map((object) => [placeKey(object), object]));
}

/** Whether the one asset that is carried may be changed so by this identity, judged under lock. */
async function refusal({ session, identity, move, context, now }: Moving, states: ReadonlyMap<string, AssetState>) {
  if (move.carry.kind !== 'one') return undefined;
  const { assetId, change } = move.carry;
  const state = states.get(assetId);
  if (state === undefined) return 'missing' as const;
  const judged = change === undefined ? undefined : carriedChange(change);
  if (judged === undefined) return undefined;
  const reason = refusalOf(identity, judged, state, now);
  if (reason !== undefined) {
    await writeAudit(session, [refusedEvent(identity, judged.action, assetId, reason, state.asset)], context, now);
  }
  return reason;
}

/** Before its successor becomes STORED: only one private object of a content may be. */
async function endSource(
  moving: Moving,
  source: ObjectRecord,
  isInfected: boolean,
): Promise<ClaimedObject | undefined> {
  const { session, move, leaseSeconds, now } = moving;
  // No former copy of infected content is kept.
  if (move.sourceEnd.kind === 'delete' || isInfected) {
    const [removable] = await markDeleting(session, [{ objectId: source.id, claim: randomUUID() }], leaseSeconds, now);
    if (source.isPublic) await keepAddresses(session, [source], now);
    return removable;
  }
  const { seconds, damaged } = move.sourceEnd;
  await session.db
    .updateTable('objects')
    .set((eb) => ({
      state: 'RETAINED',
      retain_until: session.dialect.nowPlus(seconds),
      updated_at: now,
      ...(damaged === true ? { damaged_at: eb.fn.coalesce('damaged_at', session.dialect.now) } : {}),
    }))
    .where('id', '=', source.id)
    .execute();
  return undefined;
}

/** The rows of public objects that go now stay for a while, and keep their addresses from coming back too early. */
export async function keepAddresses(session: Session, gone: readonly ObjectRecord[], now: string): Promise<void> {
  const isPublic = gone.filter((object) => object.isPublic);
  if (isPublic.length === 0) return;
  const rows = session.dialect.rowSet(
    { id: 'uuid' },
    isPublic.map(({ id }) => ({ id })),
  );
  await session.db
    .updateTable('objects')
    .set({ retain_until: secondsAfter(now, PUBLIC_ADDRESS_SECONDS) })
    .where('id', 'in', (eb) => eb.selectFrom(rows).select('r.id'))
    .execute();
}

async function arrive({ session, move, now }: Moving, object: ObjectRecord): Promise<void> {
  if (move.target.kind !== 'store') return;
  await markStored(session, [{ objectId: object.id, facts: move.target.facts }], now, move.targetRetainSeconds);
  if (move.targetDamaged !== true) return;
  await session.db.updateTable('objects').set({ damaged_at: now }).where('id', '=', object.id).execute();
}

async function carry(moving: Moving, states: ReadonlyMap<string, AssetState>, target: ObjectRecord): Promise<Asset[]> {
  const { session, identity, move, context, now } = moving;
  const change = move.carry.kind === 'one' ? move.carry.change : undefined;
  const judged = change === undefined ? undefined : carriedChange(change);
  const columns = judged?.columns(now) ?? {};
  const placement = placementOf(move, now);
  const assets: Asset[] = [];
  const audit: AuditDraft[] = [];
  for (const { asset: before } of states.values()) {
    const row = await assetChanges(session)
      .updateTable('assets')
      .set({
        object_id: target.id,
        filename: keyFilename(target.storagePath),
        storage_provider: target.storageProvider,
        backend: target.backend,
        storage_path: target.storagePath,
        damaged_at: move.targetDamaged === true ? now : null,
        updated_at: now,
        ...placement,
        ...columns,
      })
      .where('id', '=', before.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    assets.push(toAsset(row));
    const event = changedEvent(identity, judged?.action ?? move.audit.action, before, columns);
    const places = { from: placeOf(move.source), to: placeOf(target) };
    audit.push({ ...event, details: { ...event.details, ...move.audit.details, ...places } });
  }
  await writeAudit(session, audit, context, now);
  return assets;
}

/** Into quarantine, or out of it: private in any case. What stays public has a new address. */
function placementOf({ carry: which }: MoveCommit, now: string) {
  if (which.kind !== 'all') return {};
  if (which.change === undefined) return which.cdnUrl === undefined ? {} : { cdn_url: which.cdnUrl };
  return { quarantined_at: which.change === 'quarantine' ? now : null, is_public: false, cdn_url: null };
}

export function placeOf({ backend, storagePath }: ObjectRecord): string {
  return `${backend}:${storagePath}`;
}

async function undo(moving: Moving, reason: Extract<MoveResult, { kind: 'undone' }>['reason']): Promise<MoveResult> {
  const discard = await discardOwn(moving);
  return discard === undefined ? { kind: 'undone', reason } : { kind: 'undone', reason, discard };
}

/** Our own copy, if it still is ours, turns DELETING, to be removed at once. */
async function discardOwn({ session, move, leaseSeconds, now }: Moving): Promise<ClaimedObject | undefined> {
  if (move.target.kind !== 'store') return undefined;
  const { objectId, claim } = move.target;
  const own = (await lockObjects(session, [objectId])).get(objectId);
  if (own?.state !== 'PENDING' || own.claim !== claim) return undefined;
  const [discard] = await markDeleting(session, [{ objectId, claim: randomUUID() }], leaseSeconds, now);
  return discard;
}
