import { randomUUID } from 'node:crypto';
import { type SelectQueryBuilder, sql } from 'kysely';
import type { Identity } from '../core/identity.ts';
import type { StorageKey } from '../core/storage-key.ts';
import { assetChanges, assetsOnObjects } from './assets/asset-query.ts';
import { writeAudit } from './audit/audit-write.ts';
import type {
  AssetReference,
  AuditContext,
  Inventory,
  InventoryEntry,
  InventoryRange,
  InventoryRow,
  ObjectRecord,
  OrphanRow,
  Standing,
  VerifyProgress,
} from './catalog.ts';
import type { Database, Session } from './database.ts';
import { secondsAfter } from './filters.ts';
import { afterPrefix } from './glob.ts';
import { lockObjects } from './objects.ts';
import { prepared } from './prepared.ts';
import { toObjectRecord } from './rows.ts';
import type { OpenTables } from './tables.ts';
import { lockVerdicts } from './verdicts/verdicts.ts';

export function inventory(database: Database): Inventory {
  return {
    page: (range, limit) => database.read((session) => page(session, range, limit)),
    text: (backend, after, upTo) =>
      database.read((session) => text(session, backend, after, upTo), { touchesManyPages: true }),
    at: (backend, paths) => database.read((session) => at(session, backend, paths)),
    assetsOn: (objectIds) => database.read((session) => assetsOn(session, objectIds)),
    goodCopies: (organizationId, sha256, exceptId) =>
      database.read((session) => goodCopies(session, organizationId, sha256, exceptId)),
    adopt: (orphan) => database.write((session) => adopt(session, orphan)),
    mark: (identity, object, damaged, details, context) =>
      database.write((session) => mark(session, identity, object, damaged, details, context)),
    noteEtag: (object, etag) => database.write((session) => noteEtag(session, object, etag)),
    progress: (backend, scope) => database.read((session) => progress(session, backend, scope)),
    saveProgress: (backend, scope, position) =>
      database.write((session) => saveProgress(session, backend, scope, position)),
    clearProgress: (backend, scope) => database.write((session) => clearProgress(session, backend, scope)),
  };
}

type ObjectQuery = SelectQueryBuilder<OpenTables, 'objects', object>;

function leaseHasRunOut({ dialect }: Session) {
  return sql<number | boolean>`coalesce(lease_expires_at <= ${dialect.now}, false)`.as('lease_has_run_out');
}

async function rowsOf(session: Session, query: ObjectQuery): Promise<InventoryRow[]> {
  const rows = await query.selectAll('objects').select(leaseHasRunOut(session)).execute();
  return rows.map((row) => ({ ...toObjectRecord(row), leaseHasRunOut: Boolean(row.lease_has_run_out) }));
}

const LINE_BREAK = sql.lit('\n');
const storedSize = sql<number>`coalesce(stored_size, size)`.as('expected_size');

/** NULL for what is stored, which nearly all are: a column less to read, and a text less to make, for each of millions. */
function standing({ dialect }: Session) {
  return sql<Exclude<Standing, 'stored'> | null>`case
    when lease_expires_at <= ${dialect.now} then 'abandoned'
    when state <> 'STORED' then 'passing'
    when damaged_at is not null then 'damaged' end`.as('standing');
}

async function page(
  session: Session,
  { backend, prefix, after, upTo, withChecksums }: InventoryRange,
  limit: number,
): Promise<InventoryEntry[]> {
  let query: ObjectQuery = session.db.selectFrom('objects').where('backend', '=', backend);
  const end = prefix === '' ? undefined : afterPrefix(prefix);
  if (prefix !== '') query = query.where('storage_path', '>=', prefix);
  if (end !== undefined) query = query.where('storage_path', '<', end);
  if (after !== undefined) query = query.where('storage_path', '>', after);
  if (upTo !== undefined) query = query.where('storage_path', '<=', upTo);
  const rows = await query
    .select(['storage_path', 'etag', storedSize, standing(session)])
    .$if(withChecksums, (selection) => selection.select(['stored_sha256', 'stored_md5', 'stored_crc32c']))
    .orderBy('storage_path')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    storagePath: row.storage_path as StorageKey,
    storedSize: row.expected_size,
    etag: row.etag ?? '',
    storedSha256: row.stored_sha256 ?? null,
    storedMd5: row.stored_md5 ?? null,
    storedCrc32c: row.stored_crc32c ?? null,
    standing: row.standing ?? 'stored',
  }));
}

/** Made in the database: a value of each column of each row would take longer than all the rest. */
const textOfRows = prepared<{ text: string | null }>((session, [backend = '', after = '', upTo = '']) => {
  const rows = session.db
    .selectFrom('objects')
    .select(['storage_path', 'etag', storedSize, standing(session)])
    .where('backend', '=', backend)
    .where('storage_path', '>', after)
    .where('storage_path', '<=', upTo)
    .orderBy('storage_path')
    .limit(sql.lit(1000));
  const facts = sql`coalesce(standing, cast(expected_size as text) || ' ' || etag)`;
  return session.db
    .selectFrom(rows.as('r'))
    .select(sql<string | null>`string_agg(storage_path || ${LINE_BREAK} || ${facts} || ${LINE_BREAK}, '')`.as('text'));
}, 3);

async function text(session: Session, backend: string, after: string, upTo: string): Promise<string> {
  const [row] = await textOfRows(session, [backend, after, upTo]);
  return row?.text ?? '';
}

function at(session: Session, backend: string, paths: readonly string[]): Promise<InventoryRow[]> {
  const wanted = session.dialect.rowSet(
    { storage_path: 'text' },
    paths.map((storage_path) => ({ storage_path })),
  );
  const query = session.db
    .selectFrom('objects')
    .where('backend', '=', backend)
    .where('storage_path', 'in', (eb) => eb.selectFrom(wanted).select('r.storage_path'));
  return rowsOf(session, query);
}

async function assetsOn(session: Session, objectIds: readonly string[]): Promise<AssetReference[]> {
  const rows = await assetsOnObjects(session, objectIds)
    .select(['assets.object_id', 'assets.id', 'assets.organization_id'])
    .orderBy('assets.id')
    .execute();
  return rows.map((row) => ({ objectId: row.object_id, assetId: row.id, organizationId: row.organization_id }));
}

async function goodCopies(
  session: Session,
  organizationId: string,
  sha256: string,
  exceptId: string,
): Promise<ObjectRecord[]> {
  const rows = await session.db
    .selectFrom('objects')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('sha256', '=', sha256)
    .where('id', '<>', exceptId)
    .where('state', 'in', ['STORED', 'RETAINED'])
    .where('damaged_at', 'is', null)
    .orderBy('state', 'desc')
    .orderBy('id')
    .execute();
  return rows.map(toObjectRecord);
}

async function adopt(session: Session, orphan: OrphanRow): Promise<ObjectRecord | undefined> {
  const now = await session.now();
  const { facts } = orphan;
  const id = randomUUID();
  await session.insert(
    'objects',
    [
      {
        id,
        organization_id: orphan.organizationId,
        backend: orphan.backend,
        storage_provider: orphan.storageProvider,
        storage_path: orphan.storagePath,
        size: orphan.size,
        sha256: orphan.sha256,
        stored_size: facts.storedSize,
        content_encoding: facts.contentEncoding,
        stored_sha256: facts.storedSha256,
        stored_md5: facts.storedMd5,
        stored_crc32c: facts.storedCrc32c,
        etag: facts.etag,
        is_public: orphan.isPublic,
        state: 'RETAINED',
        claim: null,
        lease_expires_at: null,
        upload_session: null,
        copied_from: null,
        retain_until: secondsAfter(now, orphan.retainSeconds),
        damaged_at: null,
        created_at: now,
        updated_at: now,
      },
    ],
    { ifAbsent: true },
  );
  const [row] = await at(session, orphan.backend, [orphan.storagePath]);
  return row?.id === id ? row : undefined;
}

async function mark(
  session: Session,
  identity: Identity,
  object: ObjectRecord,
  damaged: boolean,
  details: Readonly<Record<string, unknown>>,
  context: AuditContext,
): Promise<void> {
  const now = await session.now();
  await lockVerdicts(session, [object]);
  const current = (await lockObjects(session, [object.id])).get(object.id);
  if (current?.state !== 'STORED' || current.etag !== object.etag) return;
  if ((current.damagedAt !== null) === damaged) return;
  const damagedAt = damaged ? now : null;
  await session.db
    .updateTable('objects')
    .set({ damaged_at: damagedAt, updated_at: now })
    .where('id', '=', object.id)
    .execute();
  const assets = await assetChanges(session)
    .updateTable('assets')
    .set({ damaged_at: damagedAt, updated_at: now })
    .where('object_id', '=', object.id)
    .returning(['id', 'user_id', 'organization_id'])
    .execute();
  const events = assets.map((asset) => ({
    actor: identity.user,
    organizationId: asset.organization_id,
    action: damaged ? 'damaged' : 'repaired',
    assetId: asset.id,
    assetUserId: asset.user_id,
    outcome: 'success' as const,
    details: { backend: object.backend, storagePath: object.storagePath, ...details },
  }));
  await writeAudit(session, events, context, now);
}

async function noteEtag(session: Session, object: ObjectRecord, etag: string): Promise<void> {
  await session.db
    .updateTable('objects')
    .set({ etag, updated_at: session.dialect.now })
    .where('id', '=', object.id)
    .where('etag', '=', object.etag)
    .execute();
}

async function progress(session: Session, backend: string, scope: string): Promise<VerifyProgress | undefined> {
  const row = await session.db
    .selectFrom('verify_progress')
    .select(['position', 'started_at'])
    .where('backend', '=', backend)
    .where('scope', '=', scope)
    .executeTakeFirst();
  return row === undefined ? undefined : { position: row.position, startedAt: row.started_at };
}

async function saveProgress(session: Session, backend: string, scope: string, position: string): Promise<void> {
  const now = await session.now();
  await session.db
    .insertInto('verify_progress')
    .values({ backend, scope, position, started_at: now, updated_at: now })
    .onConflict((conflict) => conflict.columns(['backend', 'scope']).doUpdateSet({ position, updated_at: now }))
    .execute();
}

async function clearProgress(session: Session, backend: string, scope: string): Promise<void> {
  await session.db.deleteFrom('verify_progress').where('backend', '=', backend).where('scope', '=', scope).execute();
}
