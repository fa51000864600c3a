import { type Selectable, sql } from 'kysely';
import type { OrganizationScope } from '../../core/identity.ts';
import type {
  AuditContext,
  FormerCopy,
  MigrationFailure,
  MigrationObstacle,
  MigrationPlace,
  MigrationRun,
  MigrationRuns,
  MigrationSkip,
  NewMigrationRun,
  ObjectRecord,
} from '../catalog.ts';
import type { Database, Session } from '../database.ts';
import { toObjectRecord } from '../rows.ts';
import type { OpenTables } from '../tables.ts';

export function migrationRuns(database: Database): MigrationRuns {
  return {
    begin: (run, context) => database.write((session) => begin(session, run, context)),
    recordFailures: (runId, failures) => database.write((session) => recordFailures(session, runId, failures)),
    recordSkips: (runId, skips) => database.write((session) => recordSkips(session, runId, skips)),
    end: (runId, skipped, remaining) => database.write((session) => end(session, runId, skipped, remaining)),
    list: (scope, limit, prefix) => database.read((session) => list(session, scope, limit, prefix)),
    failures: (runId, after, limit) => database.read((session) => failures(session, runId, after, limit)),
    skips: (runId, after, limit) => database.read((session) => skips(session, runId, after, limit)),
    obstacles: (to, objectIds) => database.read((session) => obstacles(session, to, objectIds)),
    failedObjects: (place, after, limit) => database.read((session) => failedObjects(session, place, after, limit)),
    formerCopies: (place, after, limit) => database.read((session) => formerCopies(session, place, after, limit)),
  };
}

/** In the transaction of the moves that it counts. */
export async function countMoves(
  session: Session,
  runId: string,
  moved: { objects: number; assets: number; bytes: number },
): Promise<void> {
  await session.db
    .updateTable('migration_runs')
    .set((eb) => ({
      objects: eb('objects', '+', moved.objects),
      assets: eb('assets', '+', moved.assets),
      bytes: eb('bytes', '+', moved.bytes),
      updated_at: session.dialect.now,
    }))
    .where('id', '=', runId)
    .execute();
}

async function begin(session: Session, run: NewMigrationRun, { host }: AuditContext): Promise<void> {
  const now = await session.now();
  await session.insert('migration_runs', [
    {
      id: run.id,
      organization_id: run.organization,
      actor: run.actor,
      host,
      from_backend: run.from,
      to_backend: run.to,
      started_at: now,
      updated_at: now,
      ended_at: null,
      objects: 0,
      assets: 0,
      bytes: 0,
      skipped: 0,
      remaining: null,
    },
  ]);
}

async function recordFailures(session: Session, runId: string, failed: readonly MigrationFailure[]): Promise<void> {
  if (failed.length === 0) return;
  const now = await session.now();
  const rows = failed.map(({ objectId, organizationId, storagePath, code, message }) => ({
    run_id: runId,
    object_id: objectId,
    organization_id: organizationId,
    storage_path: storagePath,
    code,
    message,
    failed_at: now,
  }));
  await session.insert('migration_failures', rows, { ifAbsent: true });
}

async function recordSkips(session: Session, runId: string, skipped: readonly MigrationSkip[]): Promise<void> {
  if (skipped.length === 0) return;
  const now = await session.now();
  const rows = skipped.map(({ objectId, organizationId, storagePath, reason }) => ({
    run_id: runId,
    object_id: objectId,
    organization_id: organizationId,
    storage_path: storagePath,
    reason,
    skipped_at: now,
  }));
  await session.insert('migration_skips', rows, { ifAbsent: true });
}

async function end(session: Session, runId: string, skipped: number, remaining: number): Promise<void> {
  await session.db
    .updateTable('migration_runs')
    .set({ ended_at: session.dialect.now, skipped, remaining })
    .where('id', '=', runId)
    .execute();
}

async function list(
  session: Session,
  scope: OrganizationScope,
  limit: number,
  prefix: string | undefined,
): Promise<MigrationRun[]> {
  let query = session.db.selectFrom('migration_runs as m').selectAll('m');
  if ('organization' in scope) query = query.where('m.organization_id', '=', scope.organization);
  if (prefix !== undefined) {
    query = query.where(sql<boolean>`substr(cast(m.id as text), 1, ${prefix.length}) = ${prefix.toLowerCase()}`);
  }
  const rows = await query
    .select((eb) =>
      eb
        .selectFrom('migration_failures as f')
        .whereRef('f.run_id', '=', 'm.id')
        .select(sql<number>`count(*)`.as('failed'))
        .as('failed'),
    )
    .orderBy('m.started_at', 'desc')
    .orderBy('m.id')
    .limit(limit)
    .execute();
  return rows.map((row) => toRun(row, Number(row.failed ?? 0)));
}

function toRun(row: Selectable<OpenTables['migration_runs']>, failed: number): MigrationRun {
  return {
    id: row.id,
    organization: row.organization_id,
    actor: row.actor,
    from: row.from_backend,
    to: row.to_backend,
    host: row.host,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
    endedAt: row.ended_at,
    objects: row.objects,
    assets: row.assets,
    bytes: row.bytes,
    skipped: row.skipped,
    remaining: row.remaining,
    failed,
  };
}

async function failures(
  session: Session,
  runId: string,
  after: string | undefined,
  limit: number,
): Promise<(MigrationFailure & { failedAt: string })[]> {
  let query = session.db.selectFrom('migration_failures').selectAll().where('run_id', '=', runId);
  if (after !== undefined) query = query.where('object_id', '>', after);
  const rows = await query.orderBy('object_id').limit(limit).execute();
  return rows.map((row) => ({
    objectId: row.object_id,
    organizationId: row.organization_id,
    storagePath: row.storage_path,
    code: row.code,
    message: row.message,
    failedAt: row.failed_at,
  }));
}

async function skips(
  session: Session,
  runId: string,
  after: string | undefined,
  limit: number,
): Promise<(MigrationSkip & { skippedAt: string })[]> {
  let query = session.db.selectFrom('migration_skips').selectAll().where('run_id', '=', runId);
  if (after !== undefined) query = query.where('object_id', '>', after);
  const rows = await query.orderBy('object_id').limit(limit).execute();
  return rows.map((row) => ({
    objectId: row.object_id,
    organizationId: row.organization_id,
    storagePath: row.storage_path,
    reason: row.reason,
    skippedAt: row.skipped_at,
  }));
}

/** The conditions of the first transaction of a move, without changing anything. */
async function obstacles(
  session: Session,
  to: string,
  objectIds: readonly string[],
): Promise<Map<string, MigrationObstacle>> {
  const wanted = session.dialect.rowSet(
    { id: 'uuid' },
    objectIds.map((id) => ({ id })),
  );
  const { now } = session.dialect;
  const isAddress = sql<boolean>`o.is_public and t.backend = ${to} and t.storage_path = o.storage_path`;
  const isDamagedCopy = sql<boolean>`not o.is_public and o.state = 'STORED' and t.state = 'STORED'
    and not t.is_public and t.damaged_at is not null and t.backend = ${to}
    and t.organization_id = o.organization_id and t.sha256 = o.sha256`;
  const isUnderWay = sql<boolean>`t.copied_from = o.id and not (t.state = 'PENDING' and t.lease_expires_at <= ${now})`;
  const found = new Map<string, MigrationObstacle>();
  for (const [reason, condition] of [
    ['busy', isUnderWay],
    ['target-damaged', isDamagedCopy],
    ['address-taken', isAddress],
  ] as const) {
    const rows = await session.db
      .selectFrom('objects as o')
      .innerJoin('objects as t', (join) => join.on(condition))
      .where('o.id', 'in', (eb) => eb.selectFrom(wanted).select('r.id'))
      .select('o.id')
      .distinct()
      .execute();
    for (const { id } of rows) found.set(id, reason);
  }
  return found;
}

async function failedObjects(
  session: Session,
  { scope, from, to }: MigrationPlace,
  after: string | undefined,
  limit: number,
): Promise<ObjectRecord[]> {
  let query = session.db
    .selectFrom('objects as o')
    .selectAll('o')
    .where('o.backend', '=', from)
    .where(sql<boolean>`o.state = 'STORED'`)
    .where('o.id', 'in', (eb) =>
      eb
        .selectFrom('migration_failures as f')
        .innerJoin('migration_runs as m', 'm.id', 'f.run_id')
        .where('m.from_backend', '=', from)
        .where('m.to_backend', '=', to)
        .select('f.object_id'),
    );
  if ('organization' in scope) query = query.where('o.organization_id', '=', scope.organization);
  if (after !== undefined) query = query.where('o.id', '>', after);
  const rows = await query.orderBy('o.id').limit(limit).execute();
  return rows.map(toObjectRecord);
}

async function formerCopies(
  session: Session,
  { scope, from, to }: MigrationPlace,
  after: string | undefined,
  limit: number,
): Promise<FormerCopy[]> {
  const now = Date.parse(await session.now());
  let query = session.db
    .selectFrom('objects as o')
    .selectAll('o')
    .where('o.backend', '=', from)
    .where(sql<boolean>`o.state = 'RETAINED'`)
    .where('o.damaged_at', 'is', null)
    .where('o.retain_until', '>', session.dialect.now)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('objects as held')
            .select('held.id')
            .whereRef('held.organization_id', '=', 'o.organization_id')
            .whereRef('held.sha256', '=', 'o.sha256')
            .where('held.backend', '=', to)
            .where('held.state', 'in', ['STORED', 'RETAINED']),
        ),
      ),
    );
  if ('organization' in scope) query = query.where('o.organization_id', '=', scope.organization);
  if (after !== undefined) query = query.where('o.id', '>', after);
  const rows = await query.orderBy('o.id').limit(limit).execute();
  return rows.map((row) => ({
    object: toObjectRecord(row),
    secondsLeft: Math.max(1, Math.ceil((Date.parse(row.retain_until ?? '') - now) / 1000)),
  }));
}
