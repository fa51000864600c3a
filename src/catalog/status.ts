import { sql } from 'kysely';
import { ASSET_STATUSES, type AssetStatus } from '../core/asset.ts';
import { assetsIn } from './assets/asset-query.ts';
import type { CatalogStatus, ObjectState } from './catalog.ts';
import type { Database, Session } from './database.ts';

const OBJECT_STATES: readonly ObjectState[] = ['PENDING', 'STORED', 'RETAINED', 'DELETING'];

/** What is in the catalog; counts every row. */
export async function catalogStatus(database: Database, catalogId: string): Promise<CatalogStatus> {
  const facts = await database.facts();
  const counts = await database.snapshot(countAll);
  const { kind, location, newestVersion } = database;
  return { kind, location, catalogId, newestVersion, ...facts, ...counts };
}

const count = sql<number>`count(*)`.as('count');

async function countAll(session: Session) {
  const { db, dialect } = session;
  const version = await db
    .selectFrom('schema_migrations')
    .select((eb) => eb.fn.max('version').as('version'))
    .executeTakeFirst();
  const assets = await assetsIn(session, { allOrganizations: true })
    .select(['assets.status', count])
    .groupBy('assets.status')
    .execute();
  const objects = await db.selectFrom('objects').select(['state', count]).groupBy('state').execute();
  const originals = await db.selectFrom('originals').select(count).executeTakeFirst();
  const events = await db.selectFrom('audit_events').select(count).executeTakeFirst();
  const expired = await db
    .selectFrom('objects')
    .select(['state', count])
    .where(sql<boolean>`state in ('PENDING', 'DELETING')`)
    .where('lease_expires_at', '<', dialect.now)
    .groupBy('state')
    .execute();
  const expiredBy = new Map(expired.map((row) => [row.state, Number(row.count)]));
  const assetsBy = new Map(assets.map((row) => [row.status, Number(row.count)]));
  const objectsBy = new Map(objects.map((row) => [row.state, Number(row.count)]));
  return {
    schemaVersion: version?.version ?? 0,
    assets: Object.fromEntries(ASSET_STATUSES.map((status) => [status, assetsBy.get(status) ?? 0])) as Record<
      AssetStatus,
      number
    >,
    objects: Object.fromEntries(OBJECT_STATES.map((state) => [state, objectsBy.get(state) ?? 0])) as Record<
      ObjectState,
      number
    >,
    originals: Number(originals?.count ?? 0),
    auditEvents: Number(events?.count ?? 0),
    expiredLeases: { pending: expiredBy.get('PENDING') ?? 0, deleting: expiredBy.get('DELETING') ?? 0 },
  };
}
