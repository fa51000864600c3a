import { decideOnAsset } from '../../core/access-policy.ts';
import type { Asset } from '../../core/asset.ts';
import type { Identity } from '../../core/identity.ts';
import {
  type AssetState,
  type Change,
  type ChangeColumns,
  extension,
  RESTORING,
  showing,
  trashing,
} from '../assets/asset-changes.ts';
import { assetChanges, assetsToDecideOn } from '../assets/asset-query.ts';
import { stillMatching } from '../assets/still-matching.ts';
import { type AuditDraft, writeAudit } from '../audit/audit-write.ts';
import type { AssetChange, AssetFilter, AuditContext, LifecycleWrites, RefusalReason } from '../catalog.ts';
import type { Database, Session } from '../database.ts';
import { lockObjects } from '../objects.ts';
import { isUuid, toAsset } from '../rows.ts';
import { lockAssets } from './deletes.ts';

export function lifecycleWrites(database: Database): LifecycleWrites {
  return {
    extend: (identity, ids, expiry, context) =>
      database.write((session) => changeAssets(session, identity, ids, extension(expiry), context)),
    trash: (identity, ids, retentionSeconds, context, filter) =>
      database.write((session) => changeAssets(session, identity, ids, trashing(retentionSeconds), context, filter)),
    restore: (identity, ids, context) =>
      database.write((session) => changeAssets(session, identity, ids, RESTORING, context)),
    changeVisibility: (identity, ids, visibility, context) =>
      database.write((session) =>
        changeAssets(session, identity, ids, showing({ ...visibility, cdnUrl: null }), context),
      ),
  };
}

/** What keeps an identity from a change of an asset that is locked. */
export function refusalOf(
  identity: Identity,
  change: Change,
  state: AssetState | undefined,
  now: string,
): RefusalReason | undefined {
  if (state === undefined) return 'missing';
  const decision = decideOnAsset(identity, change.permission, state.asset);
  if (decision === 'hide') return 'missing';
  return decision === 'deny' ? 'denied' : change.obstacle(state, now);
}

export async function lockAssetStates(session: Session, ids: readonly string[]): Promise<Map<string, AssetState>> {
  const locked = await lockAssets(session, ids);
  const ends = await assetsToDecideOn(session, [...locked.keys()])
    .select(['assets.id', 'assets.trash_ends_at'])
    .execute();
  const endOf = new Map(ends.map((row) => [row.id, row.trash_ends_at]));
  return new Map([...locked].map(([id, row]) => [id, { ...row, trashEndsAt: endOf.get(id) ?? null }]));
}

async function changeAssets(
  session: Session,
  identity: Identity,
  ids: readonly string[],
  change: Change,
  context: AuditContext,
  filter?: AssetFilter,
): Promise<AssetChange[]> {
  const now = await session.now();
  const states = await lockAssetStates(session, ids);
  const matching = filter === undefined ? undefined : await stillMatching(session, [...states.keys()], filter);
  const objects = await lockObjects(
    session,
    [...states.values()].map((state) => state.objectId),
  );
  const results: AssetChange[] = [];
  const audit: AuditDraft[] = [];
  for (const id of ids) {
    if (matching?.has(id) === false) continue;
    const state = states.get(id);
    const reason = refusalOf(identity, change, state, now);
    if (reason !== undefined || state === undefined) {
      results.push(refused(id, reason ?? 'missing', state));
      audit.push(refusedEvent(identity, change.action, id, reason ?? 'missing', state?.asset));
      continue;
    }
    if (change.isDone?.(state) === true) {
      results.push({ kind: 'changed', id, asset: state.asset });
      continue;
    }
    const object = objects.get(state.objectId);
    if (object !== undefined && change.moves(state, object)) {
      results.push({ kind: 'move-needed', id, found: { asset: state.asset, object } });
      continue;
    }
    const asset = await writeChange(session, id, change.columns(now), now);
    states.set(id, { ...state, asset, trashEndsAt: change.columns(now).trash_ends_at ?? null });
    results.push({ kind: 'changed', id, asset });
    audit.push(changedEvent(identity, change.action, state.asset, change.columns(now)));
  }
  await writeAudit(session, audit, context, now);
  return results;
}

function refused(id: string, reason: RefusalReason, state: AssetState | undefined): AssetChange {
  const known = reason !== 'missing' && state !== undefined;
  return known ? { kind: 'refused', id, reason, asset: state.asset } : { kind: 'refused', id, reason };
}

async function writeChange(session: Session, id: string, columns: ChangeColumns, now: string): Promise<Asset> {
  const row = await assetChanges(session)
    .updateTable('assets')
    .set({ ...columns, updated_at: now })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return toAsset(row);
}

/** What happened to one asset, with the values before and after. */
export function changedEvent(identity: Identity, action: string, before: Asset, columns: ChangeColumns): AuditDraft {
  return {
    actor: identity.user,
    organizationId: before.organizationId,
    action,
    assetId: before.id,
    assetUserId: before.userId,
    outcome: 'success',
    details: {
      originalFilename: before.originalFilename,
      previousExpiresAt: before.expiresAt,
      ...Object.fromEntries(Object.entries(columns).map(([name, value]) => [toCamelCase(name), value])),
    },
  };
}

function toCamelCase(column: string): string {
  return column.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

/** A refusal belongs to the organisation of whoever asked, unless it may know of the asset. */
export function refusedEvent(
  identity: Identity,
  action: string,
  id: string,
  reason: RefusalReason,
  asset: Asset | undefined,
): AuditDraft {
  const known = reason === 'missing' ? undefined : asset;
  return {
    actor: identity.user,
    organizationId: known?.organizationId ?? identity.organization,
    action,
    assetId: isUuid(id) ? id : null,
    assetUserId: known?.userId ?? null,
    outcome: 'refused',
    details: isUuid(id) ? { reason } : { reason, id },
  };
}
