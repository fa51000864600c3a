import { type RawBuilder, type Selectable, sql } from 'kysely';
import { parseTime } from '../../core/calendar.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import { assetChanges, assetsToDecideOn } from '../assets/asset-query.ts';
import type {
  AuditContext,
  AuditEvent,
  AuditFilter,
  AuditLog,
  AuditOutcome,
  Download,
  NewAuditEvent,
} from '../catalog.ts';
import { type CursorValues, decodeCursor, encodeCursor } from '../cursor.ts';
import type { Database, Session } from '../database.ts';
import { upTo } from '../prepared.ts';
import { isUuid } from '../rows.ts';
import type { OpenTables } from '../tables.ts';
import { type AuditDraft, writeAudit } from './audit-write.ts';

export function auditLog(database: Database): AuditLog {
  return {
    record: (events, context) => database.write((session) => record(session, events, context)),
    recordDownloads: (downloads, waitMilliseconds) =>
      database.write((session) => recordDownloads(session, downloads), { wait: waitMilliseconds }),
    page: (scope, filter, limit, after) => database.read((session) => page(session, scope, filter, limit, after)),
  };
}

async function record(session: Session, events: readonly NewAuditEvent[], context: AuditContext): Promise<void> {
  if (events.length === 0) return;
  const now = await session.now();
  const ids = events.flatMap(({ assetId }) => (assetId !== null && isUuid(assetId) ? [assetId] : []));
  const owners = await ownersOf(session, ids);
  const drafts = events.map((event): AuditDraft => {
    if (event.assetId === null) return { ...event, assetUserId: null };
    if (!isUuid(event.assetId)) {
      return { ...event, assetId: null, assetUserId: null, details: { ...event.details, id: event.assetId } };
    }
    return { ...event, assetUserId: owners.get(event.assetId) ?? null };
  });
  await writeAudit(session, drafts, context, now);
}

async function ownersOf(session: Session, ids: readonly string[]): Promise<Map<string, string | null>> {
  if (ids.length === 0) return new Map();
  const rows = await assetsToDecideOn(session, ids).select(['assets.id', 'assets.user_id']).execute();
  return new Map(rows.map((row) => [row.id, row.user_id]));
}

async function recordDownloads(session: Session, downloads: readonly Download[]): Promise<void> {
  const [first] = downloads;
  if (first === undefined) return;
  const now = await session.now();
  const counts = new Map<string, number>();
  for (const { assetId, isWhole } of downloads) counts.set(assetId, (counts.get(assetId) ?? 0) + (isWhole ? 1 : 0));
  const ids = [...counts.keys()];
  const locked = assetsToDecideOn(session, ids).select(['assets.id', 'assets.user_id']).orderBy('assets.id');
  const rows = await session.dialect.forUpdate(locked, 'assets').execute();
  const owners = new Map(rows.map((row) => [row.id, row.user_id]));
  const counted = session.dialect.rowSet(
    { id: 'uuid', downloads: 'int' },
    ids.map((id) => ({ id, downloads: counts.get(id) ?? 0 })),
  );
  await assetChanges(session)
    .updateTable('assets')
    .from(counted)
    .set((eb) => ({ download_count: eb('assets.download_count', '+', eb.ref('r.downloads')), last_accessed_at: now }))
    .whereRef('assets.id', '=', 'r.id')
    .execute();
  const events = downloads.map(
    ({ by, assetId, organizationId, bytes, range }): AuditDraft => ({
      actor: by.identity.user,
      organizationId,
      action: 'downloaded',
      assetId,
      assetUserId: owners.get(assetId) ?? null,
      outcome: 'success',
      details: range === undefined ? { bytes } : { bytes, range },
      context: by.audit,
    }),
  );
  await writeAudit(session, events, first.by.audit, now);
}

type EventRow = Selectable<OpenTables['audit_events']>;

async function page(
  session: Session,
  scope: OrganizationScope,
  filter: AuditFilter,
  limit: number,
  after: string | undefined,
): Promise<{ events: AuditEvent[]; nextCursor: string | null }> {
  const cursor = after === undefined ? undefined : decodeCursor('audit', ['time', 'int'], after);
  if (filter.assetId !== undefined && !isUuid(filter.assetId)) return { events: [], nextCursor: null };
  const user = filter.visibleToUser;
  const views = user === undefined ? [[]] : memberViews(user);
  const found = new Map<number, EventRow>();
  for (const view of views) {
    const rows = await events(session, scope, filter, cursor, limit + 1, view);
    for (const row of rows) found.set(row.seq, row);
  }
  const sorted = [...found.values()].sort((a, b) => compare(b.time, a.time) || b.seq - a.seq);
  const shown = sorted.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = sorted.length > limit && last !== undefined ? encodeCursor('audit', [last.time, last.seq]) : null;
  return { events: shown.map(toAuditEvent), nextCursor };
}

/** A member sees what it did and what happened to its own assets: each has an index of its own. */
function memberViews(user: string): RawBuilder<boolean>[][] {
  return [[sql<boolean>`actor = ${user}`], [sql<boolean>`asset_user_id = ${user}`]];
}

async function events(
  session: Session,
  scope: OrganizationScope,
  filter: AuditFilter,
  cursor: CursorValues | undefined,
  limit: number,
  view: readonly RawBuilder<boolean>[],
): Promise<EventRow[]> {
  let query = session.db.selectFrom('audit_events').selectAll();
  if ('organization' in scope) query = query.where('organization_id', '=', scope.organization);
  if (filter.assetId !== undefined) query = query.where('asset_id', '=', filter.assetId);
  if (filter.since !== undefined) query = query.where('time', '>=', parseTime(filter.since));
  if (filter.until !== undefined) query = query.where('time', '<', parseTime(filter.until));
  if (filter.action !== undefined) query = query.where('action', '=', filter.action);
  if (filter.actor !== undefined) query = query.where('actor', '=', filter.actor);
  for (const condition of view) query = query.where(condition);
  if (cursor !== undefined) query = query.where(sql<boolean>`(time, seq) < (${sql.join(cursor)})`);
  return query.orderBy('time', 'desc').orderBy('seq', 'desc').limit(upTo(limit)).execute();
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function toAuditEvent(row: EventRow): AuditEvent {
  return {
    id: row.id,
    time: row.time,
    actor: row.actor,
    organizationId: row.organization_id,
    action: row.action,
    assetId: row.asset_id,
    outcome: row.outcome as AuditOutcome,
    host: row.host,
    correlationId: row.correlation_id,
    details: JSON.parse(row.details) as Record<string, unknown>,
  };
}
