import { randomUUID } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { Identity, Role } from '../core/identity.ts';
import { parseTokenScope } from '../core/token.ts';
import { writeAudit } from './audit/audit-write.ts';
import type { AuditContext, NewToken, TokenFilter, TokenRecord, Tokens } from './catalog.ts';
import type { Database, Session } from './database.ts';
import { prepared } from './prepared.ts';
import type { OpenTables } from './tables.ts';

export function tokens(database: Database): Tokens {
  return {
    create: (identity, token, context) => database.write((session) => create(session, identity, token, context)),
    byHash: (hash) => database.read((session) => byHash(session, hash)),
    noteUse: (ids) => database.write((session) => noteUse(session, ids)),
    list: (filter, limit) => database.read((session) => list(session, filter, limit)),
    revoke: (identity, id, context) => database.write((session) => revoke(session, identity, id, context)),
  };
}

async function create(
  session: Session,
  identity: Identity,
  token: NewToken,
  context: AuditContext,
): Promise<TokenRecord> {
  const { dialect, db } = session;
  const { rows } = await sql<{ now: string; end: string }>`
    select ${dialect.now} as now, ${dialect.nowPlus(token.expiresInSeconds)} as "end"`.execute(db);
  const { now = '', end = '' } = rows[0] ?? {};
  const row = {
    id: randomUUID(),
    hash: token.hash,
    name: token.name,
    user_id: token.userId,
    organization_id: token.organizationId,
    role: token.role,
    scope: token.scope.join(','),
    created_by: identity.user,
    created_at: now,
    expires_at: end,
    last_used_at: null,
    revoked_at: null,
  };
  await session.insert('tokens', [row]);
  const record = toTokenRecord({ ...row, ended: false });
  await audit(session, identity, 'token-created', record, context, now);
  return record;
}

async function byHash(session: Session, hash: string): Promise<TokenRecord | undefined> {
  const [row] = await tokenByHash(session, [hash]);
  return row === undefined ? undefined : toTokenRecord(row);
}

async function noteUse(session: Session, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await session.db
    .updateTable('tokens')
    .set({ last_used_at: session.dialect.now })
    .where('id', 'in', [...ids].sort())
    .execute();
}

async function list(session: Session, filter: TokenFilter, limit: number): Promise<TokenRecord[]> {
  const { scope, user, prefix } = filter;
  let query = readTokens(session);
  if ('organization' in scope) query = query.where('organization_id', '=', scope.organization);
  if (user !== undefined) query = query.where('user_id', user === null ? 'is' : '=', user);
  if (prefix !== undefined) {
    query = query.where(sql<boolean>`substr(cast(id as text), 1, ${prefix.length}) = ${prefix.toLowerCase()}`);
  }
  const rows = await query.orderBy('created_at', 'desc').orderBy('id').limit(limit).execute();
  return rows.map(toTokenRecord);
}

async function revoke(
  session: Session,
  identity: Identity,
  id: string,
  context: AuditContext,
): Promise<TokenRecord | undefined> {
  const now = await session.now();
  const changed = await session.db
    .updateTable('tokens')
    .set({ revoked_at: now })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returning('id')
    .execute();
  const row = await readTokens(session).where('id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  const record = toTokenRecord(row);
  if (changed.length > 0) await audit(session, identity, 'token-revoked', record, context, now);
  return record;
}

function readTokens({ db, dialect }: Session) {
  return db.selectFrom('tokens').selectAll().select(sql<boolean>`expires_at <= ${dialect.now}`.as('ended'));
}

const tokenByHash = prepared((session, [hash = '']) => readTokens(session).where('hash', '=', hash), 1);

type TokenRow = Selectable<OpenTables['tokens']> & { ended: boolean };

function toTokenRecord(row: TokenRow): TokenRecord {
  return {
    id: row.id,
    name: row.name,
    userId: row.user_id,
    organizationId: row.organization_id,
    // The database's checks hold these words to those of the core.
    role: row.role as Role,
    scope: parseTokenScope(row.scope),
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    state: stateOf(row),
  };
}

function stateOf({ revoked_at, ended }: Pick<TokenRow, 'revoked_at' | 'ended'>): TokenRecord['state'] {
  if (revoked_at !== null) return 'revoked';
  return ended ? 'expired' : 'active';
}

async function audit(
  session: Session,
  identity: Identity,
  action: 'token-created' | 'token-revoked',
  { id, name, userId, organizationId, role, scope, expiresAt }: TokenRecord,
  context: AuditContext,
  now: string,
): Promise<void> {
  const event = {
    actor: identity.user,
    organizationId,
    action,
    assetId: null,
    assetUserId: null,
    outcome: 'success' as const,
    details: { token: id, name, userId, role, scope, expiresAt },
  };
  await writeAudit(session, [event], context, now);
}
