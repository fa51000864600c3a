import { sql } from 'kysely';
import type { OrganizationScope } from '../../core/identity.ts';
import type { AssetStat, CatalogStatistics, ObjectState, StatCount, Statistics } from '../catalog.ts';
import type { Database, Session } from '../database.ts';
import { type AssetSelection, assetsIn } from './asset-query.ts';

const HORIZONS_IN_DAYS = [7, 30, 90];
const SECONDS_A_DAY = 86_400;

export function statistics(database: Database): Statistics {
  return {
    read: (scope, backend) =>
      database.snapshot((session) => read(session, backend === undefined ? scope : { ...scope, backend })),
  };
}

/** Whose, and where. */
type Extent = OrganizationScope & { backend?: string };

const count = sql<number>`count(*)`.as('count');

async function read(session: Session, scope: Extent): Promise<CatalogStatistics> {
  const assets = await assetStats(session, scope);
  const stored = await storedContent(session, scope);
  const expiring: CatalogStatistics['expiring'] = [];
  for (const days of HORIZONS_IN_DAYS) expiring.push({ days, ...(await dueWithin(session, scope, days)) });
  return {
    assets,
    objects: await objectStats(session, scope),
    expired: await alreadyExpired(session, scope),
    expiring,
    // Every STORED object has an asset; what the assets count beyond the objects needs no bytes of its own.
    deduplicated: {
      count: sumOf(assets, 'count') - stored.count,
      bytes: sumOf(assets, 'bytes') - stored.bytes,
    },
    compressed: await compressionStats(session, scope),
  };
}

function sumOf(stats: readonly StatCount[], field: keyof StatCount): number {
  return stats.reduce((total, each) => total + each[field], 0);
}

function assetsWithin(session: Session, scope: Extent): AssetSelection {
  const query = assetsIn(session, scope);
  return scope.backend === undefined ? query : query.where('assets.backend', '=', scope.backend);
}

async function assetStats(session: Session, scope: Extent): Promise<AssetStat[]> {
  const columns = [
    'assets.organization_id',
    'assets.asset_type',
    'assets.backend',
    'assets.status',
    'assets.virus_scan_status',
  ] as const;
  const rows = await assetsWithin(session, scope)
    .select([...columns, count, sql<number>`sum(assets.file_size)`.as('bytes')])
    .groupBy(columns)
    .orderBy('assets.organization_id')
    .orderBy('assets.asset_type')
    .orderBy('assets.backend')
    .orderBy('assets.status')
    .orderBy('assets.virus_scan_status')
    .execute();
  return rows.map((row) => ({
    organizationId: row.organization_id,
    assetType: row.asset_type,
    backend: row.backend,
    status: row.status,
    scanStatus: row.virus_scan_status,
    count: Number(row.count),
    bytes: Number(row.bytes),
  }));
}

async function objectStats(session: Session, scope: Extent): Promise<CatalogStatistics['objects']> {
  let query = session.db
    .selectFrom('objects')
    .select(['backend', 'state', count, sql<number>`sum(coalesce(stored_size, 0))`.as('bytes')]);
  if ('organization' in scope) query = query.where('organization_id', '=', scope.organization);
  if (scope.backend !== undefined) query = query.where('backend', '=', scope.backend);
  const rows = await query.groupBy(['backend', 'state']).orderBy('backend').orderBy('state').execute();
  return rows.map((row) => ({
    backend: row.backend,
    state: row.state as ObjectState,
    count: Number(row.count),
    bytes: Number(row.bytes),
  }));
}

async function storedContent(session: Session, scope: Extent): Promise<StatCount> {
  let query = session.db
    .selectFrom('objects')
    .select([count, sql<number>`coalesce(sum(size), 0)`.as('bytes')])
    .where('state', '=', 'STORED');
  if ('organization' in scope) query = query.where('organization_id', '=', scope.organization);
  if (scope.backend !== undefined) query = query.where('backend', '=', scope.backend);
  const row = await query.executeTakeFirstOrThrow();
  return { count: Number(row.count), bytes: Number(row.bytes) };
}

async function compressionStats(session: Session, scope: Extent): Promise<StatCount> {
  let query = session.db
    .selectFrom('objects')
    .select([count, sql<number>`coalesce(sum(size - stored_size), 0)`.as('bytes')])
    .where('state', '=', 'STORED')
    .where('content_encoding', 'is not', null);
  if ('organization' in scope) query = query.where('organization_id', '=', scope.organization);
  if (scope.backend !== undefined) query = query.where('backend', '=', scope.backend);
  const row = await query.executeTakeFirstOrThrow();
  return { count: Number(row.count), bytes: Number(row.bytes) };
}

const sizes = sql<number>`coalesce(sum(assets.file_size), 0)`.as('bytes');

async function alreadyExpired(session: Session, scope: Extent): Promise<StatCount> {
  const row = await assetsWithin(session, scope)
    .where('assets.expires_sort', '<=', session.dialect.now)
    .select([count, sizes])
    .executeTakeFirstOrThrow();
  return { count: Number(row.count), bytes: Number(row.bytes) };
}

async function dueWithin(session: Session, scope: Extent, days: number): Promise<StatCount> {
  const row = await assetsWithin(session, scope)
    .where('assets.expires_sort', '>', session.dialect.now)
    .where('assets.expires_sort', '<=', session.dialect.nowPlus(days * SECONDS_A_DAY))
    .select([count, sizes])
    .executeTakeFirstOrThrow();
  return { count: Number(row.count), bytes: Number(row.bytes) };
}
