import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Asset } from '../../core/asset.ts';
import { parseTime } from '../../core/calendar.ts';
import type { Identity } from '../../core/identity.ts';
import { type AssetSelection, assetsIn, organizationsWithAssets } from '../assets/asset-query.ts';
import { writeAudit } from '../audit/audit-write.ts';
import type { AssetPurge, AuditContext, PurgedAsset, PurgeFilter, PurgeKind } from '../catalog.ts';
import { type CursorKind, decodeCursor, encodeCursor } from '../cursor.ts';
import type { Database, PageUse, Session } from '../database.ts';
import { toAsset } from '../rows.ts';
import { contentKey, lockVerdicts } from '../verdicts/verdicts.ts';
import { contentOf, type DeletedAsset, deletedEvent, type LockedAsset, removeLocked } from './deletes.ts';

const PAGE_USE: PageUse = { touchesManyPages: true };

export function assetPurge(database: Database): AssetPurge {
  return {
    organizations: async (scope) =>
      'organization' in scope ? [scope.organization] : database.read(organizationsWithAssets),
    due: (filter) => database.read((session) => due(session, filter), PAGE_USE),
    page: (filter, limit, after) => database.read((session) => page(session, filter, limit, after)),
    take: (identity, filter, limit, leaseSeconds, context) =>
      inTurns(limit, MOST_LOCKED[database.kind], (size) =>
        database.write((session) => take(session, identity, filter, size, leaseSeconds, context), PAGE_USE),
      ),
  };
}

/**
 * Assets that one transaction locks. On a shared database others may want them, and wait for as long as it takes; on an
 * embedded one a commit is what costs.
 */
const MOST_LOCKED = { postgres: 20, sqlite: Number.POSITIVE_INFINITY } as const;
/** Between two transactions: whoever waited for one gets all that it wants before the next takes some of it. */
const PAUSE_MILLISECONDS = 5;

/** Several small transactions instead of a large one, until there is enough or no more is to be had at the moment. */
async function inTurns(
  limit: number,
  most: number,
  takeUpTo: (size: number) => Promise<PurgedAsset[]>,
): Promise<PurgedAsset[]> {
  const taken: PurgedAsset[] = [];
  while (taken.length < limit) {
    const size = Math.min(most, limit - taken.length);
    const more = await takeUpTo(size).catch((error: unknown) => {
      // What was taken before is committed, and its bytes are the caller's to remove; a failure that lasts comes again.
      if (taken.length === 0) throw error;
      return [];
    });
    taken.push(...more);
    if (more.length < size) break;
    if (taken.length < limit) await sleep(PAUSE_MILLISECONDS);
  }
  return taken;
}

/** The column that says since when an asset is due; with created_at and id behind it, an index serves the order. */
const DUE_COLUMNS = {
  expired: ['assets.expires_sort', 'assets.created_at', 'assets.id'],
  trash: ['assets.trash_ends_at', 'assets.id'],
} as const satisfies Record<PurgeKind, readonly string[]>;

const CURSOR_KINDS = {
  expired: ['time', 'time', 'uuid'],
  trash: ['time', 'uuid'],
} as const satisfies Record<PurgeKind, readonly CursorKind[]>;

function dueAssets(session: Session, filter: Omit<PurgeFilter, 'backends'>): AssetSelection {
  const [dueColumn] = DUE_COLUMNS[filter.kind];
  let query = assetsIn(session, { organization: filter.organization })
    .where(dueColumn, 'is not', null)
    .where(dueColumn, '<=', session.dialect.now)
    .where('assets.trashed_at', filter.kind === 'trash' ? 'is not' : 'is', null);
  if (filter.before !== undefined) query = query.where(dueColumn, '<', parseTime(filter.before));
  if (filter.assetType !== undefined) query = query.where('assets.asset_type', '=', filter.assetType);
  if (filter.projectId !== undefined) query = query.where('assets.project_id', '=', filter.projectId);
  return query;
}

async function due(session: Session, filter: Omit<PurgeFilter, 'backends'>) {
  const rows = await dueAssets(session, filter)
    .select(['assets.backend', sql<number>`count(*)`.as('count'), sql<number>`sum(assets.file_size)`.as('bytes')])
    .groupBy('assets.backend')
    .execute();
  return rows.map((row) => ({ backend: row.backend, count: Number(row.count), bytes: Number(row.bytes) }));
}

function inOrder(session: Session, filter: PurgeFilter): AssetSelection {
  let query = dueAssets(session, filter).where('assets.backend', 'in', [...filter.backends]);
  for (const column of DUE_COLUMNS[filter.kind]) query = query.orderBy(column);
  return query;
}

async function page(
  session: Session,
  filter: PurgeFilter,
  limit: number,
  after: string | undefined,
): Promise<{ assets: Asset[]; nextCursor: string | null }> {
  if (filter.backends.length === 0) return { assets: [], nextCursor: null };
  const columns = DUE_COLUMNS[filter.kind];
  const label = `purge-${filter.kind}`;
  let query = inOrder(session, filter);
  if (after !== undefined) {
    const values = decodeCursor(label, CURSOR_KINDS[filter.kind], after);
    query = query.where(sql<boolean>`(${sql.join(columns.map((name) => sql.ref(name)))}) > (${sql.join(values)})`);
  }
  const rows = await query
    .selectAll('assets')
    .limit(limit + 1)
    .execute();
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  const position =
    last === undefined
      ? undefined
      : filter.kind === 'trash'
        ? [last.trash_ends_at ?? '', last.id]
        : [last.expires_sort, last.created_at, last.id];
  return {
    assets: shown.map(toAsset),
    nextCursor: position === undefined ? null : encodeCursor(label, position),
  };
}

async function take(
  session: Session,
  identity: Identity,
  filter: PurgeFilter,
  limit: number,
  leaseSeconds: number,
  context: AuditContext,
): Promise<PurgedAsset[]> {
  if (filter.backends.length === 0) return [];
  const free = await lockDue(session, filter, limit);
  if (free.length === 0) return [];
  const now = await session.now();
  const freed = await removeLocked(session, free, leaseSeconds, now);
  await writeAudit(
    session,
    free.map(({ asset }) => deletedEvent(identity, asset, reasonOf(filter.kind, asset))),
    context,
    now,
  );
  return free.map(({ asset: { id, organizationId, fileHash, isPublic }, objectId }) => {
    const asset = { id, organizationId, fileHash, isPublic };
    const released = freed.get(objectId);
    // Several assets of one batch may have shared the object: its bytes count, and are removed, once.
    freed.delete(objectId);
    if (released === undefined) return { asset, bytesFreed: 0 };
    return { asset, bytesFreed: released.storedSize, removable: released.removable };
  });
}

function reasonOf(kind: PurgeKind, asset: DueAsset): Readonly<Record<string, unknown>> {
  return kind === 'expired'
    ? { reason: 'expired', expiresAt: asset.expiresAt }
    : { reason: 'trash', trashedAt: asset.trashedAt };
}

type DueAsset = DeletedAsset & Pick<Asset, 'expiresAt' | 'trashedAt'>;

const DUE_ASSET = [
  'assets.id',
  'assets.object_id as objectId',
  'assets.organization_id as organizationId',
  'assets.user_id as userId',
  'assets.original_filename as originalFilename',
  'assets.asset_type as assetType',
  'assets.file_size as fileSize',
  'assets.file_hash as fileHash',
  'assets.backend',
  'assets.storage_path as storagePath',
  'assets.is_public as isPublic',
  'assets.expires_at as expiresAt',
  'assets.trashed_at as trashedAt',
] as const;

/**
 * Locks what is due and free. The assets come before their verdicts here, against the common order: that cannot
 * deadlock, because neither waits. What somebody else holds is left out.
 */
async function lockDue(session: Session, filter: PurgeFilter, limit: number): Promise<LockedAsset<DueAsset>[]> {
  const query = inOrder(session, filter).select(DUE_ASSET).limit(limit);
  const rows = await session.dialect.forUpdate(query, 'assets', { skipLocked: true }).execute();
  if (rows.length === 0) return [];
  const locked = rows.map(({ objectId, isPublic, ...row }) => ({
    asset: { ...row, isPublic: Boolean(isPublic) },
    objectId,
  }));
  if (session.dialect.writesAlone) return locked;
  const verdicts = await lockVerdicts(session, locked.map(contentOf), { skipLocked: true });
  return locked.filter((each) => verdicts.has(contentKey(contentOf(each))));
}
