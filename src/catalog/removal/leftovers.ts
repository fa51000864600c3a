import { randomUUID } from 'node:crypto';
import { type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import type { StorageKey } from '../../core/storage-key.ts';
import type { ContentRef, Leftover, LeftoverFilter, Leftovers } from '../catalog.ts';
import type { Database, Session } from '../database.ts';
import { secondsAfter } from '../filters.ts';
import type { OpenTables } from '../tables.ts';
import { contentRows } from '../verdicts/verdicts.ts';
import { PUBLIC_ADDRESS_SECONDS } from './former-copies.ts';

/** Rule 4: how long past its lease a frozen host's put is still thought to arrive. */
const LATE_ARRIVAL_SECONDS = 24 * 3600;

export function leftovers(database: Database): Leftovers {
  return {
    count: (filter) => database.read((session) => count(session, filter)),
    claim: (filter, limit, leaseSeconds) => database.write((session) => claim(session, filter, limit, leaseSeconds)),
    alivePaths: (backend, paths) => database.read((session) => alivePaths(session, backend, paths)),
  };
}

type LeftoverRow = Pick<Selectable<OpenTables['objects']>, 'state' | 'lease_expires_at' | 'retain_until' | 'is_public'>;
type ObjectQuery = SelectQueryBuilder<OpenTables, 'objects', object>;

/** The two kinds, each in the words of its partial index. */
function dueQueries(session: Session, filter: LeftoverFilter): ObjectQuery[] {
  const { dialect } = session;
  const interrupted = narrowed(session, filter)
    .where(sql<boolean>`objects.state in ('PENDING', 'DELETING')`)
    .where('objects.lease_expires_at', '<=', dialect.now)
    .orderBy('objects.lease_expires_at');
  const outlived = narrowed(session, filter)
    .where(sql<boolean>`objects.state = 'RETAINED'`)
    .where('objects.retain_until', '<=', dialect.now)
    .orderBy('objects.retain_until');
  return [interrupted, outlived];
}

function narrowed(session: Session, filter: LeftoverFilter): ObjectQuery {
  let query: ObjectQuery = session.db.selectFrom('objects').where('objects.backend', 'in', [...filter.backends]);
  if (filter.organization !== undefined) query = query.where('objects.organization_id', '=', filter.organization);
  if (filter.objectIds !== undefined) {
    const wanted = session.dialect.rowSet(
      { id: 'uuid' },
      filter.objectIds.map((id) => ({ id })),
    );
    query = query.where('objects.id', 'in', (eb) => eb.selectFrom(wanted).select('r.id'));
  }
  if (filter.contents !== undefined) query = ofContents(session, query, filter.contents);
  return query;
}

function ofContents(session: Session, query: ObjectQuery, contents: readonly ContentRef[]): ObjectQuery {
  const wanted = contentRows(session, contents);
  return query
    .where('objects.state', '<>', 'PENDING')
    .where((eb) =>
      eb(
        eb.refTuple('objects.organization_id', 'objects.sha256'),
        'in',
        eb.selectFrom(wanted).select(['r.organization_id', 'r.sha256']).$asTuple('organization_id', 'sha256'),
      ),
    );
}

async function count(session: Session, filter: LeftoverFilter): Promise<{ backend: string; count: number }[]> {
  const counts = new Map<string, number>();
  if (filter.backends.length === 0) return [];
  for (const query of dueQueries(session, filter)) {
    const rows = await query
      .clearOrderBy()
      .select(['objects.backend', sql<number>`count(*)`.as('count')])
      .groupBy('objects.backend')
      .execute();
    for (const row of rows) counts.set(row.backend, (counts.get(row.backend) ?? 0) + Number(row.count));
  }
  return [...counts].map(([backend, number]) => ({ backend, count: number }));
}

async function claim(
  session: Session,
  filter: LeftoverFilter,
  limit: number,
  leaseSeconds: number,
): Promise<Leftover[]> {
  if (filter.backends.length === 0) return [];
  const claimed: Leftover[] = [];
  const now = await session.now();
  const updates: { id: string; claim: string; retain_until: string | null }[] = [];
  for (const query of dueQueries(session, filter)) {
    if (updates.length >= limit) break;
    const due = query.selectAll('objects').limit(limit - updates.length);
    for (const row of await session.dialect.forUpdate(due, 'objects', { skipLocked: true }).execute()) {
      const token = randomUUID();
      updates.push({ id: row.id, claim: token, retain_until: keptUntil(row, now) });
      claimed.push({
        objectId: row.id,
        claim: token,
        backend: row.backend,
        storagePath: row.storage_path as StorageKey,
        was: row.state as Leftover['was'],
        organizationId: row.organization_id,
        storedSize: row.stored_size ?? 0,
        uploadSession: row.upload_session,
      });
    }
  }
  await markClaimed(session, updates, leaseSeconds);
  return claimed;
}

/** A DELETING row keeps the time that it was given when it was reclaimed; of a former copy only a public address is kept. */
function keptUntil({ state, lease_expires_at, retain_until, is_public }: LeftoverRow, now: string): string | null {
  if (state === 'PENDING') return secondsAfter(lease_expires_at ?? '', LATE_ARRIVAL_SECONDS);
  if (state === 'DELETING') return retain_until;
  return is_public ? secondsAfter(now, PUBLIC_ADDRESS_SECONDS) : null;
}

async function markClaimed(
  session: Session,
  updates: readonly { id: string; claim: string; retain_until: string | null }[],
  leaseSeconds: number,
): Promise<void> {
  if (updates.length === 0) return;
  const rows = session.dialect.rowSet({ id: 'uuid', claim: 'uuid', retain_until: 'time?' }, updates);
  await session.db
    .updateTable('objects')
    .from(rows)
    .set((eb) => ({
      state: 'DELETING',
      claim: eb.ref('r.claim'),
      retain_until: eb.ref('r.retain_until'),
      lease_expires_at: session.dialect.nowPlus(leaseSeconds),
      copied_from: null,
      updated_at: session.dialect.now,
    }))
    .whereRef('objects.id', '=', 'r.id')
    .execute();
}

async function alivePaths(session: Session, backend: string, paths: readonly string[]): Promise<Set<string>> {
  const wanted = session.dialect.rowSet(
    { storage_path: 'text' },
    paths.map((storage_path) => ({ storage_path })),
  );
  const rows = await session.db
    .selectFrom('objects')
    .select('storage_path')
    .where('backend', '=', backend)
    .where('storage_path', 'in', (eb) => eb.selectFrom(wanted).select('r.storage_path'))
    .where('state', '=', 'PENDING')
    .where('lease_expires_at', '>', session.dialect.now)
    .execute();
  return new Set(rows.map((row) => row.storage_path));
}
