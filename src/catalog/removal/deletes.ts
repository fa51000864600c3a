import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { decideOnAsset } from '../../core/access-policy.ts';
import type { Asset } from '../../core/asset.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { Identity } from '../../core/identity.ts';
import { assetChanges, assetsOnObjects, assetsToDecideOn } from '../assets/asset-query.ts';
import { stillMatching } from '../assets/still-matching.ts';
import { type AuditDraft, writeAudit } from '../audit/audit-write.ts';
import type { AuditContext, ClaimedObject, DeleteExpectation, DeleteResult, DeleteWrites } from '../catalog.ts';
import type { Database, Session } from '../database.ts';
import { type Claim, claimRows, holdObjects, lockStates, markDeleting } from '../objects.ts';
import { isUuid, toAsset } from '../rows.ts';
import { forgetOriginals } from '../uploads/originals.ts';
import { type Content, distinctContents, lockVerdicts } from '../verdicts/verdicts.ts';
import { endPublicCopies, endUnusedCopies } from './former-copies.ts';

export function deleteWrites(database: Database): DeleteWrites {
  return {
    deleteAssets: (identity, ids, leaseSeconds, context, expected) =>
      database.write((session) => deleteAssets(session, identity, ids, leaseSeconds, context, expected)),
    finish: (removed) => database.write((session) => finish(session, removed)),
  };
}

async function deleteAssets(
  session: Session,
  identity: Identity,
  ids: readonly string[],
  leaseSeconds: number,
  context: AuditContext,
  expected: DeleteExpectation = {},
): Promise<DeleteResult[]> {
  if (ids.length === 0) return [];
  const now = await session.now();
  const locked = await lockAssets(session, ids);
  const { filter, trashed } = expected;
  const matching = filter === undefined ? undefined : await stillMatching(session, [...locked.keys()], filter);
  const decisions = decideEach(identity, ids, locked, { matching, trashed });
  const deleted = decisions.filter((decision) => decision.kind === 'deleted').map(({ row }) => row);
  const freed = await removeLocked(session, deleted, leaseSeconds, now);
  await writeAudit(
    session,
    decisions.flatMap((decision) => (decision.kind === 'unmatched' ? [] : toAudit(identity, decision))),
    context,
    now,
  );
  return decisions.map((decision) => toResult(decision, freed));
}

/**
 * Takes away assets that were decided on under lock; where they were the last, with their objects and former copies, and
 * with what their content was made of.
 * Gives the objects to remove, by id.
 */
export async function removeLocked(
  session: Session,
  deleted: readonly LockedAsset<DeletedAsset>[],
  leaseSeconds: number,
  now: string,
): Promise<Map<string, Freed>> {
  await removeAssets(session, deleted);
  const freed = await releaseObjects(session, deleted, leaseSeconds, now);
  const contents = distinctContents(deleted.map(contentOf));
  await forgetOriginals(session, contents);
  await endUnusedCopies(session, contents, now);
  const shown = deleted.filter(({ asset }) => asset.isPublic);
  await endPublicCopies(session, distinctContents(shown.map(contentOf)), now);
  return freed;
}

export function contentOf({ asset }: LockedAsset<DeletedAsset>): Content {
  return { organizationId: asset.organizationId, sha256: asset.fileHash };
}

/** What an asset's end needs to know of it: the rest is not read for thousands of them. */
export type DeletedAsset = Pick<
  Asset,
  | 'id'
  | 'organizationId'
  | 'userId'
  | 'originalFilename'
  | 'assetType'
  | 'fileSize'
  | 'fileHash'
  | 'backend'
  | 'storagePath'
  | 'isPublic'
>;

export interface LockedAsset<A = Asset> {
  asset: A;
  objectId: string;
}

/** Verdicts first, then the assets: after that neither the references nor the owners can change. */
export async function lockAssets(session: Session, ids: readonly string[]): Promise<Map<string, LockedAsset>> {
  const valid = [...new Set(ids.filter(isUuid))];
  if (!session.dialect.writesAlone) await lockVerdictsOf(session, valid);
  const query = assetsToDecideOn(session, valid).selectAll('assets').orderBy('assets.id');
  const rows = await session.dialect.forUpdate(query, 'assets').execute();
  return new Map(rows.map((row) => [row.id, { asset: toAsset(row), objectId: row.object_id }]));
}

async function lockVerdictsOf(session: Session, assetIds: readonly string[]): Promise<void> {
  const contents = await assetsToDecideOn(session, assetIds)
    .select(['assets.organization_id as organizationId', 'assets.file_hash as sha256'])
    .execute();
  await lockVerdicts(session, contents);
}

type Decided =
  | { kind: 'deleted'; id: string; row: LockedAsset }
  | { kind: 'refused'; id: string; code: ErrorCode; row: LockedAsset | undefined }
  | { kind: 'unmatched'; id: string };

interface Expected {
  matching: ReadonlySet<string> | undefined;
  trashed: ReadonlySet<string> | undefined;
}

function decideEach(
  identity: Identity,
  ids: readonly string[],
  locked: ReadonlyMap<string, LockedAsset>,
  { matching, trashed }: Expected,
): Decided[] {
  const gone = new Set<string>();
  return ids.map((id) => {
    const row = gone.has(id) ? undefined : locked.get(id);
    if (row === undefined) return { kind: 'refused', id, code: 'ASSET_NOT_FOUND', row };
    if (matching?.has(id) === false) return { kind: 'unmatched', id };
    const decision = decideOnAsset(identity, 'delete', row.asset);
    if (decision === 'hide') return { kind: 'refused', id, code: 'ASSET_NOT_FOUND', row };
    if (decision === 'deny') return { kind: 'refused', id, code: 'NOT_PERMITTED', row };
    const isOvertaken = trashed !== undefined && trashed.has(id) !== (row.asset.trashedAt !== null);
    if (isOvertaken) return { kind: 'refused', id, code: 'STATE_CHANGED', row };
    gone.add(id);
    return { kind: 'deleted', id, row };
  });
}

async function removeAssets(session: Session, deleted: readonly LockedAsset<DeletedAsset>[]): Promise<void> {
  if (deleted.length === 0) return;
  const wanted = session.dialect.rowSet(
    { id: 'uuid' },
    deleted.map(({ asset }) => ({ id: asset.id })),
  );
  await assetChanges(session)
    .deleteFrom('assets')
    .where('assets.id', 'in', (eb) => eb.selectFrom(wanted).select('r.id'))
    .execute();
}

export interface Freed {
  storedSize: number;
  removable: ClaimedObject;
}

/** Objects that the last asset has left turn DELETING under our claim. */
async function releaseObjects(
  session: Session,
  deleted: readonly LockedAsset<DeletedAsset>[],
  leaseSeconds: number,
  now: string,
): Promise<Map<string, Freed>> {
  const objects = await lockStates(
    session,
    deleted.map(({ objectId }) => objectId),
  );
  if (objects.size === 0) return new Map();
  const still = await assetsOnObjects(session, [...objects.keys()])
    .select('assets.object_id')
    .distinct()
    .execute();
  const referenced = new Set(still.map((row) => row.object_id));
  const claims = [...objects]
    .filter(([id, { state }]) => !referenced.has(id) && state !== 'DELETING')
    .map(([objectId]): Claim => ({ objectId, claim: randomUUID() }));
  const removable = await markDeleting(session, claims, leaseSeconds, now);
  return new Map(
    removable.flatMap((claimed) => {
      const object = objects.get(claimed.objectId);
      return object === undefined ? [] : [[claimed.objectId, { storedSize: object.storedSize, removable: claimed }]];
    }),
  );
}

function toAudit(identity: Identity, decision: Exclude<Decided, { kind: 'unmatched' }>): AuditDraft {
  if (decision.kind === 'deleted') return deletedEvent(identity, decision.row.asset);
  // A refusal belongs to the organisation of whoever asked, unless it may know of the asset.
  const known = decision.code === 'ASSET_NOT_FOUND' ? undefined : decision.row?.asset;
  return {
    actor: identity.user,
    organizationId: known?.organizationId ?? identity.organization,
    action: 'deleted',
    assetId: isUuid(decision.id) ? decision.id : null,
    assetUserId: known?.userId ?? null,
    outcome: 'refused',
    details: isUuid(decision.id) ? { code: decision.code } : { code: decision.code, id: decision.id },
  };
}

/** The one event that an asset's end leaves. */
export function deletedEvent(
  identity: Identity,
  asset: DeletedAsset,
  reason: Readonly<Record<string, unknown>> = {},
): AuditDraft {
  return {
    actor: identity.user,
    organizationId: asset.organizationId,
    action: 'deleted',
    assetId: asset.id,
    assetUserId: asset.userId,
    outcome: 'success',
    details: {
      originalFilename: asset.originalFilename,
      assetType: asset.assetType,
      fileSize: asset.fileSize,
      fileHash: asset.fileHash,
      backend: asset.backend,
      storagePath: asset.storagePath,
      ...reason,
    },
  };
}

function toResult(decision: Decided, freed: Map<string, Freed>): DeleteResult {
  if (decision.kind === 'unmatched') return decision;
  if (decision.kind === 'refused') return { kind: 'refused', id: decision.id, code: decision.code };
  const { asset, objectId } = decision.row;
  const released = freed.get(objectId);
  // Several assets of one call may have shared the object: its bytes count, and are removed, once.
  freed.delete(objectId);
  if (released === undefined) return { kind: 'deleted', id: decision.id, asset, bytesFreed: 0 };
  return {
    kind: 'deleted',
    id: decision.id,
    asset,
    bytesFreed: released.storedSize,
    removable: released.removable,
  };
}

async function finish(session: Session, removed: readonly Claim[]): Promise<void> {
  if (removed.length === 0) return;
  await holdObjects(
    session,
    removed.map((claim) => claim.objectId),
  );
  await keepForLateArrivals(session, removed);
  await session.db
    .deleteFrom('objects')
    .where('objects.state', '=', sql.lit('DELETING'))
    .where((eb) =>
      eb(
        eb.refTuple('objects.id', 'objects.claim'),
        'in',
        eb.selectFrom(claimRows(session, removed)).select(['r.id', 'r.claim']).$asTuple('id', 'claim'),
      ),
    )
    .execute();
}

/** Rule 4: such a row goes only after a delete that comes at the end of its time. */
async function keepForLateArrivals(session: Session, removed: readonly Claim[]): Promise<void> {
  await session.db
    .updateTable('objects')
    .from(claimRows(session, removed))
    .set((eb) => ({
      claim: null,
      lease_expires_at: eb.ref('objects.retain_until'),
      upload_session: null,
      stored_size: 0,
    }))
    .whereRef('objects.id', '=', 'r.id')
    .whereRef('objects.claim', '=', 'r.claim')
    .where('objects.state', '=', sql.lit('DELETING'))
    .where('objects.retain_until', '>', session.dialect.now)
    .execute();
}
