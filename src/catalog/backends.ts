import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { StorageProvider } from '../core/asset.ts';
import type { Identity } from '../core/identity.ts';
import { writeAudit } from './audit/audit-write.ts';
import type { AuditContext, BackendRecord, BackendRegistry } from './catalog.ts';
import type { Database, Session } from './database.ts';
import type { OpenTables } from './tables.ts';

export function backendRegistry(database: Database): BackendRegistry {
  return {
    async register(name, provider) {
      const known = await database.read((session) => find(session, name));
      return known ?? database.write((session) => register(session, name, provider));
    },
    find: (name) => database.read((session) => find(session, name)),
    list: () => database.read(list),
    setMarked: (name, backendId) => database.write((session) => setMarked(session, name, backendId)),
    adopt: (name, provider, identity, context) =>
      database.write((session) => adopt(session, name, provider, identity, context)),
  };
}

async function find(session: Session, name: string): Promise<BackendRecord | undefined> {
  const row = await session.db.selectFrom('backends').selectAll().where('name', '=', name).executeTakeFirst();
  return row === undefined ? undefined : toBackendRecord(row);
}

async function list(session: Session): Promise<BackendRecord[]> {
  const rows = await session.db.selectFrom('backends').selectAll().orderBy('name').execute();
  return rows.map(toBackendRecord);
}

function toBackendRecord(row: Selectable<OpenTables['backends']>): BackendRecord {
  return {
    name: row.name,
    backendId: row.backend_id,
    provider: row.storage_provider as StorageProvider,
    markedAt: row.marked_at,
  };
}

async function register(session: Session, name: string, provider: StorageProvider): Promise<BackendRecord> {
  const row = {
    name,
    backend_id: randomUUID(),
    storage_provider: provider,
    marked_at: null,
    created_at: await session.now(),
  };
  await session.insert('backends', [row], { ifAbsent: true });
  return (await find(session, name)) ?? toBackendRecord(row);
}

async function setMarked(session: Session, name: string, backendId: string): Promise<void> {
  await session.db
    .updateTable('backends')
    .set({ marked_at: session.dialect.now })
    .where('name', '=', name)
    .where('backend_id', '=', backendId)
    .where('marked_at', 'is', null)
    .execute();
}

async function adopt(
  session: Session,
  name: string,
  provider: StorageProvider,
  identity: Identity,
  context: AuditContext,
): Promise<BackendRecord> {
  const now = await session.now();
  const before = await find(session, name);
  const backendId = randomUUID();
  await session.db
    .insertInto('backends')
    .values({ name, backend_id: backendId, storage_provider: provider, marked_at: null, created_at: now })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet({ backend_id: backendId, storage_provider: provider, marked_at: null }),
    )
    .execute();
  const event = {
    actor: identity.user,
    organizationId: identity.organization,
    action: 'adopted',
    assetId: null,
    assetUserId: null,
    outcome: 'success' as const,
    details: { backend: name, backendId, previousBackendId: before?.backendId ?? null },
  };
  await writeAudit(session, [event], context, now);
  return { name, backendId, provider, markedAt: null };
}
