import type {
  ClaimedObject,
  MoveCommit,
  MoveReservation,
  MoveResult,
  ObjectRecord,
  StoredFacts,
} from '../../catalog/catalog.ts';
import type { Asset } from '../../core/asset.ts';
import { toFailure } from '../../core/errors.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { PutOptions, StorageBackend } from '../../storage/backend.ts';
import type { OperationContext } from '../context.ts';
import { type HeldClaim, removeBytes, whileHolding } from '../leases.ts';
import { removeFormerCopiesOrWarn } from '../removal/former-copies.ts';
import { gracePeriod } from '../stopping.ts';
import { openOwnStore } from '../stores/own-store.ts';
import { checkStoredCopy, isUnchanged } from './check-stored-copy.ts';
import { copyObject } from './copy-object.ts';

/** One object whose assets go to bytes elsewhere (rule 6 of docs/architecture.md). */
export interface MoveJob {
  /** The object that is left. */
  source: ObjectRecord;
  /** Another copy of the same content to read, where the source's own bytes are not to be trusted. */
  readFrom?: ObjectRecord;
  to: {
    backend: string;
    /** Of a key that was never used in that backend. */
    storagePath: StorageKey;
    isPublic: boolean;
    /** What a browser is told (publicHeaders); only for a public object. */
    headers?: PutOptions;
  };
  /** Copies whatever bytes there are; the copy is marked as damaged. */
  asTheyAre?: boolean;
  carry: MoveCommit['carry'];
  sourceEnd: MoveCommit['sourceEnd'];
  targetRetainSeconds?: number;
  /** Another that is copying the source is not waited for. */
  takesOver?: boolean;
  audit: MoveCommit['audit'];
}

export type SkipReason =
  | Extract<MoveReservation, { kind: 'skipped' }>['reason']
  | Extract<MoveResult, { kind: 'undone' }>['reason'];

export type MoveOutcome =
  | { kind: 'moved'; target: ObjectRecord; assets: Asset[] }
  /** Nothing was changed. */
  | { kind: 'skipped'; reason: SkipReason };

/**
 * Copies an object, verified, moves its assets to the copy in one transaction, and removes the source if no asset
 * is left on it. Killed anywhere, it leaves the assets where they were or where they go, and every byte known.
 * @throws AssetError or StorageError if the bytes cannot be copied; then nothing was changed
 */
export async function moveBytes(context: OperationContext, job: MoveJob): Promise<MoveOutcome> {
  const target = await openOwnStore(context, job.to.backend);
  const catalog = await context.catalog();
  const { backend, storagePath, isPublic } = job.to;
  const request = {
    ...{ sourceObjectId: job.source.id, backend, storageProvider: target.provider, storagePath, isPublic },
    takesOver: job.takesOver === true,
  };
  const [reservation] = await catalog.moves.begin([request], context.leaseSeconds);
  if (reservation === undefined) throw new Error('the catalog did not answer a move');
  if (reservation.kind === 'skipped') return reservation;
  if (reservation.source.state !== job.source.state) {
    // Another has moved it: what is left there has no assets, and is no longer ours to move.
    if (reservation.kind === 'store') await giveUp(context, target, reservation);
    return { kind: 'skipped', reason: 'source-changed' };
  }
  if (reservation.kind === 'use') return moveOnto(context, job, target, reservation);
  const { objectId, claim, source } = reservation;
  return whileHolding(context, [{ objectId, claim }], async () => {
    const facts = await copyOrGiveUp(context, { ...job, source }, target, { objectId, claim });
    if (facts === undefined) return { kind: 'skipped', reason: 'source-changed' };
    return finishMove(context, job, target, source, { kind: 'store', objectId, claim, facts });
  });
}

/** The one asset of a move that carries one. */
export function carriedAsset({ assets: [asset] }: Extract<MoveOutcome, { kind: 'moved' }>): Asset {
  if (asset === undefined) throw new Error('a move that carries one asset carried none');
  return asset;
}

async function moveOnto(
  context: OperationContext,
  job: MoveJob,
  store: StorageBackend,
  { object, source }: Extract<MoveReservation, { kind: 'use' }>,
): Promise<MoveOutcome> {
  const isWhole = await checkStoredCopy(store, object, gracePeriod(context.signal));
  // What was moved or removed meanwhile is not damaged: the commit finds it changed.
  if (!isWhole && (await isUnchanged(context, object))) return { kind: 'skipped', reason: 'target-damaged' };
  return finishMove(context, job, store, source, { kind: 'use', objectId: object.id, etag: object.etag });
}

/** undefined: what was read went meanwhile, or was moved, which is no failure whatever its store said of it. */
async function copyOrGiveUp(
  context: OperationContext,
  job: MoveJob,
  target: StorageBackend,
  claim: HeldClaim,
): Promise<StoredFacts | undefined> {
  const from = job.readFrom ?? job.source;
  try {
    const store = await openOwnStore(context, from.backend);
    const to = { store: target, ...job.to, asTheyAre: job.asTheyAre === true };
    const catalog = await context.catalog();
    return await copyObject({ store, object: from }, to, gracePeriod(context.signal), {
      onSession: (session) => catalog.uploads.recordSession(claim.objectId, claim.claim, session),
    });
  } catch (error) {
    await giveUp(context, target, claim);
    if (!(await isUnchanged(context, from))) return undefined;
    throw error;
  }
}

async function finishMove(
  context: OperationContext,
  job: MoveJob,
  target: StorageBackend,
  source: ObjectRecord,
  wish: MoveCommit['target'],
): Promise<MoveOutcome> {
  const catalog = await context.catalog();
  const { carry, sourceEnd, audit, targetRetainSeconds, asTheyAre = false } = job;
  const retained = targetRetainSeconds === undefined ? {} : { targetRetainSeconds };
  const damaged = asTheyAre ? { targetDamaged: true } : {};
  const move: MoveCommit = { source, target: wish, carry, sourceEnd, audit, ...retained, ...damaged };
  let result: MoveResult;
  try {
    result = await catalog.moves.commit(context.identity, move, context.leaseSeconds, context.audit);
  } catch (error) {
    if (wish.kind === 'store') await giveUp(context, target, wish);
    throw error;
  }
  await removeNow(context, target, result.discard);
  if (result.kind === 'undone') return { kind: 'skipped', reason: result.reason };
  if (result.removable !== undefined) {
    await removeNow(context, await openOwnStore(context, result.removable.backend), result.removable);
  }
  if (source.isPublic && !job.to.isPublic) await removeFormerCopiesOrWarn(context, [source]);
  return { kind: 'moved', target: result.target, assets: result.assets };
}

async function giveUp(context: OperationContext, store: StorageBackend, { objectId, claim }: HeldClaim): Promise<void> {
  try {
    const catalog = await context.catalog();
    const [abandoned] = await catalog.uploads.abandon([{ objectId, claim }], context.leaseSeconds);
    await removeNow(context, store, abandoned);
  } catch (error) {
    context.warn(`a copy is undone later, by purge-expired: ${toFailure(error).message}`);
  }
}

async function removeNow(
  context: OperationContext,
  store: StorageBackend,
  object: ClaimedObject | undefined,
): Promise<void> {
  if (object === undefined) return;
  for (const { error } of await removeBytes(context, store, [object])) {
    context.warn(`${object.storagePath} is removed later, by purge-expired: ${error.message}`);
  }
}
