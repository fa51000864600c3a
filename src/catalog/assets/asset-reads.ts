import { type RawBuilder, sql } from 'kysely';
import type { Asset, ScanStatus } from '../../core/asset.ts';
import type { Identity, OrganizationScope } from '../../core/identity.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type {
  AssetFilter,
  AssetQuery,
  AssetReads,
  AssetWithObject,
  ObjectPage,
  SameUploadQuery,
  ServableObject,
} from '../catalog.ts';
import type { Database, Session } from '../database.ts';
import { all, type Condition, filterParts, hasTag } from '../filters.ts';
import { prepared, upTo } from '../prepared.ts';
import { isUuid, toAsset, toObjectRecord } from '../rows.ts';
import { knownResult } from '../uploads/originals.ts';
import { assetPage } from './asset-pages.ts';
import { type AssetSelection, assetsByIds, assetsIn, assetsVisibleTo } from './asset-query.ts';

export function assetReads(database: Database): AssetReads {
  return {
    page: (scope, query) => database.read((session) => assetPage(session, scope, query)),
    // Of one moment: an asset that is moved between the two questions, perhaps for a virus, would be told half of before.
    pageWithObjects: (scope, query) => database.snapshot((session) => pageWithObjects(session, scope, query)),
    count: (scope, filter) => database.read((session) => count(session, assetsIn(session, scope), filter)),
    byIdPrefix: (identity, prefix, limit) => database.read((session) => byIdPrefix(session, identity, prefix, limit)),
    byIds: (identity, ids) => database.read((session) => byIds(session, identity, ids)),
    servable: (backend, storagePath) => database.read((session) => servable(session, backend, storagePath)),
    sameUploads: (identity, candidates) => database.read((session) => sameUploads(session, identity, candidates)),
    storedHashes: (organizationId, backend, hashes) =>
      database.read((session) => storedHashes(session, organizationId, backend, hashes)),
    knownResult: (organizationId, backend, original) =>
      database.read((session) => knownResult(session, organizationId, backend, original)),
  };
}

async function pageWithObjects(session: Session, scope: OrganizationScope, query: AssetQuery): Promise<ObjectPage> {
  const { assets, nextCursor } = await assetPage(session, scope, query);
  if (assets.length === 0) return { assets: [], nextCursor };
  const ids = assets.map((asset) => asset.id);
  const rows = await assetsByIds(session, scope, ids)
    .innerJoin('objects', 'objects.id', 'assets.object_id')
    .selectAll('objects')
    .select('assets.id as asset_id')
    .execute();
  const objects = new Map(rows.map((row) => [row.asset_id, toObjectRecord(row)]));
  const found = assets.flatMap((asset) => {
    const object = objects.get(asset.id);
    return object === undefined ? [] : [{ asset, object }];
  });
  return { assets: found, nextCursor };
}

async function count(
  session: Session,
  assets: AssetSelection,
  filter: AssetFilter,
): Promise<{ count: number; bytes: number }> {
  const row = await assets
    .where(all(allConditions(session, filter)))
    .select([sql<number>`count(*)`.as('count'), sql<number>`coalesce(sum(file_size), 0)`.as('bytes')])
    .executeTakeFirstOrThrow();
  return { count: Number(row.count), bytes: Number(row.bytes) };
}

function allConditions(session: Session, filter: AssetFilter): Condition[] {
  const { equality, ranges, created, tags, glob, active, rest } = filterParts(session.dialect, filter);
  const tagged = tags.map(hasTag);
  const ranged = Object.values(ranges).flatMap((range) => range.shown);
  return [...equality.shown, ...ranged, ...created.shown, ...tagged, ...glob, ...active, ...rest];
}

async function byIdPrefix(
  session: Session,
  identity: Identity,
  prefix: string,
  limit: number,
): Promise<AssetWithObject[]> {
  const range = uuidRange(prefix.toLowerCase());
  if (range === undefined) return [];
  const assets = await assetsVisibleTo(session, identity)
    .where('assets.id', '>=', range.from)
    .where('assets.id', '<=', range.to)
    .selectAll('assets')
    .orderBy('assets.id')
    .limit(upTo(limit))
    .execute();
  return withObjects(session, assets);
}

/** The first and the last UUID that begin with a prefix; undefined if none can. */
function uuidRange(prefix: string): { from: string; to: string } | undefined {
  const from = prefix + '00000000-0000-0000-0000-000000000000'.slice(prefix.length);
  const to = prefix + 'ffffffff-ffff-ffff-ffff-ffffffffffff'.slice(prefix.length);
  return isUuid(from) && isUuid(to) ? { from, to } : undefined;
}

async function byIds(session: Session, identity: Identity, ids: readonly string[]): Promise<AssetWithObject[]> {
  const wanted = session.dialect.rowSet(
    { id: 'uuid' },
    ids.filter(isUuid).map((id) => ({ id })),
  );
  const assets = await assetsVisibleTo(session, identity)
    .where('assets.id', 'in', (eb) => eb.selectFrom(wanted).select('r.id'))
    .selectAll('assets')
    .execute();
  return withObjects(session, assets);
}

type AssetRow = Parameters<typeof toAsset>[0];

async function withObjects(
  session: Session,
  assets: readonly (AssetRow & { object_id: string })[],
): Promise<AssetWithObject[]> {
  if (assets.length === 0) return [];
  const wanted = session.dialect.rowSet(
    { id: 'uuid' },
    assets.map((asset) => ({ id: asset.object_id })),
  );
  const objects = await session.db
    .selectFrom('objects')
    .where('objects.id', 'in', (eb) => eb.selectFrom(wanted).select('r.id'))
    .selectAll('objects')
    .execute();
  const byId = new Map(objects.map((object) => [object.id, object]));
  return assets.flatMap((asset) => {
    const object = byId.get(asset.object_id);
    // Moved or deleted between the two statements: for this caller it is gone.
    return object === undefined ? [] : [{ asset: toAsset(asset), object: toObjectRecord(object) }];
  });
}

async function servable(
  session: Session,
  backend: string,
  storagePath: StorageKey,
): Promise<ServableObject | undefined> {
  const place = [backend, storagePath];
  const [stored] = await servableStored(session, place);
  // In this order: what is moved between the two questions becomes a former copy, never the other way round.
  const [row] = stored === undefined ? await servableFormer(session, place) : [stored];
  if (row === undefined) return undefined;
  return {
    object: toObjectRecord(row),
    scanStatus: row.scan_status as ScanStatus,
    asset: {
      mimeType: row.mime_type,
      originalFilename: row.original_filename,
      isProcessed: Boolean(row.is_processed),
      expiresAt: row.expires_at,
    },
  };
}

/**
 * Whoever signed was asked about the asset; here only what may have changed since counts. Literals: SQLite plans anew, in
 * four times the time of the answer, whenever a limit or the condition of a partial index is bound again.
 */
function servableAt(isLedTo: RawBuilder<boolean>) {
  return prepared(
    (session, [backend = '', storagePath = '']) =>
      assetsIn(session, { allOrganizations: true })
        .innerJoin('objects', (join) => join.on(isLedTo))
        .where('objects.backend', '=', backend)
        .where('objects.storage_path', '=', storagePath)
        .where(sql<boolean>`assets.status = 'active'`)
        .where('assets.virus_scan_status', '<>', 'INFECTED')
        .where('assets.expires_sort', '>', session.dialect.now)
        .selectAll('objects')
        .select(['assets.virus_scan_status as scan_status', 'assets.mime_type'])
        .select(['assets.original_filename', 'assets.is_processed', 'assets.expires_at'])
        .limit(sql.lit(1)),
    2,
  );
}

const servableStored = servableAt(sql<boolean>`objects.id = assets.object_id and objects.state = 'STORED'`);

/**
 * A former copy has no assets of its own: those of its content count, which lie elsewhere now. A public one is an
 * address, and ends with the asset of that address.
 */
const servableFormer = servableAt(sql<boolean>`objects.state = 'RETAINED' and objects.damaged_at is null
  and objects.organization_id = assets.organization_id and objects.sha256 = assets.file_hash
  and (objects.is_public = false or objects.storage_path = assets.storage_path)`);

async function sameUploads(
  session: Session,
  identity: Identity,
  candidates: readonly SameUploadQuery[],
): Promise<(Asset | undefined)[]> {
  if (candidates.length === 0) return [];
  const wanted = session.dialect.rowSet(
    { file_hash: 'text' },
    [...new Set(candidates.map((candidate) => candidate.fileHash))].map((file_hash) => ({ file_hash })),
  );
  const rows = await assetsIn(session, { organization: identity.organization })
    .where('assets.file_hash', 'in', (eb) => eb.selectFrom(wanted).select('r.file_hash'))
    .where('assets.user_id', identity.user === null ? 'is' : '=', identity.user)
    .where('assets.status', '=', 'active')
    .where('assets.expires_sort', '>', session.dialect.now)
    .selectAll('assets')
    .orderBy('assets.created_at')
    .orderBy('assets.id')
    .execute();
  const oldest = new Map<string, Asset>();
  for (const asset of rows.map(toAsset)) {
    const key = sameUploadKey(asset);
    if (!oldest.has(key)) oldest.set(key, asset);
  }
  return candidates.map((candidate) => oldest.get(sameUploadKey(candidate)));
}

function sameUploadKey(upload: SameUploadQuery): string {
  const { assetType, projectId, originalFilename, fileHash, isPublic } = upload;
  return JSON.stringify([assetType, projectId, originalFilename, fileHash, isPublic]);
}

async function storedHashes(
  session: Session,
  organizationId: string,
  backend: string,
  hashes: readonly string[],
): Promise<Set<string>> {
  const wanted = session.dialect.rowSet(
    { sha256: 'text' },
    hashes.map((sha256) => ({ sha256 })),
  );
  const rows = await session.db
    .selectFrom('objects')
    .where('organization_id', '=', organizationId)
    .where('backend', '=', backend)
    .where('sha256', 'in', (eb) => eb.selectFrom(wanted).select('r.sha256'))
    .where(sql<boolean>`state = 'STORED' and is_public = false`)
    .where('damaged_at', 'is', null)
    .select('sha256')
    .execute();
  return new Set(rows.map((row) => row.sha256));
}
