import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import type { PoolClient, QueryResult } from 'pg';
import { AssetError } from '../../core/errors.ts';
import type { Database, NewRow, Session } from '../database.ts';
import { newestVersion } from '../migrations/migration.ts';
import { COLUMNS, type ColumnKind, type OpenTables, type TableName } from '../tables.ts';
import { type Connections, onClient } from './connections.ts';
import { baseKind, postgresDialect, recordSet } from './dialect.ts';
import { isLost, toAssetError } from './errors.ts';
import { POSTGRES_MIGRATIONS } from './migrations.ts';
import { queriesOn } from './pool.ts';
import { refuseOtherEncoding } from './schema.ts';
import { createWaiting, SHORTEST_QUESTION, within } from './waiting.ts';

export interface PostgresTimes {
  /** Milliseconds to wait for a lock. */
  lockTimeout: number;
  /** Milliseconds to go on trying while the server is away. */
  deadline: number;
  /** Milliseconds that a statement may take before the server gives it up. */
  statement: number;
}

/** The catalog's transactions and statements on a pool of connections, none of which keeps a state. */
export function postgresDatabase(connections: Connections, location: string, times: PostgresTimes): Database {
  const waiting = createWaiting(connections, times.deadline);
  const attempt = async <T>(work: (end: number) => Promise<T>, deadline = times.deadline): Promise<T> => {
    try {
      return await waiting.untilDeadline(work, deadline);
    } catch (error) {
      throw toAssetError(error, location);
    }
  };
  return {
    kind: 'postgres',
    location,
    newestVersion: newestVersion(POSTGRES_MIGRATIONS),
    read: (work) => attempt(() => onClient(connections, (client) => work(postgresSession(queriesOn(client))))),
    // A reader of the snapshot cannot be taken back to its start.
    snapshot: (work) => attempt(() => inSnapshot(connections, work), 0),
    write(work, { wait, once } = {}) {
      const limits = { lock: wait ?? times.lockTimeout, statement: times.statement };
      const deadline = once === true ? 0 : (wait ?? times.deadline);
      return attempt((end) => inTransaction(connections, limits, end, work), deadline);
    },
    facts: () => attempt(() => onClient(connections, facts)),
    check: () =>
      attempt(async () => {
        await refuseOtherEncoding(connections, location);
      }),
    close: connections.close,
  };
}

/**
 * One transaction. Limits are set for it alone, in the message that begins it. Where the answer to COMMIT is
 * lost, the server is asked afterwards whether the transaction was committed.
 */
async function inTransaction<T>(
  connections: Connections,
  limits: Limits,
  end: number,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const done = await onClient(connections, async (client): Promise<Done<T>> => {
    const begun = await workOrRollback(client, () => begin(client, limits));
    const result = await workOrRollback(client, () => work(postgresSession(queriesOn(client), begun.now)));
    try {
      await commit(client);
      return { result };
    } catch (error) {
      if (!isLost(error)) throw error;
      return { result, unknown: { ...begun, failure: error } };
    }
  });
  if (done.unknown === undefined || (await wasCommitted(connections, done.unknown, end))) return done.result;
  throw done.unknown.failure;
}

interface Done<T> {
  result: T;
  /** Of a commit whose answer was lost. */
  unknown?: Begun & { failure: unknown };
}

/** Milliseconds, for one transaction. */
interface Limits {
  lock: number;
  statement: number;
}

interface Begun {
  transaction: string;
  /** Where it was begun: the name that was connected to, and the server itself behind whatever pooler. */
  name: string;
  server: string;
  /** The same for all of the transaction. */
  now: string;
}

const SERVER = "concat_ws(' ', host(inet_server_addr()), inet_server_port())";

async function begin(client: PoolClient, limits: Limits): Promise<Begun> {
  const [lock, statement] = [limits.lock, limits.statement].map((limit) => Math.max(1, Math.round(limit)));
  const answers: unknown = await client.query(
    `begin; set local lock_timeout = ${lock}; set local statement_timeout = ${statement};
     select pg_current_xact_id()::text as transaction, ${SERVER} as server, date_trunc('milliseconds', now()) as now`,
  );
  const last = Array.isArray(answers) ? (answers.at(-1) as QueryResult<Omit<Begun, 'name'>>) : undefined;
  const begun = last?.rows[0];
  if (begun === undefined) throw new Error('the database did not say that a transaction has begun');
  return { ...begun, name: nameOf(client) };
}

function nameOf({ host, port }: PoolClient): string {
  return `${host}:${port}`;
}

async function workOrRollback<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isLost(error)) await client.query('rollback');
    throw error;
  }
}

async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('commit');
  if (command === 'COMMIT') return;
  throw new Error('the transaction was rolled back at its commit');
}

async function wasCommitted(connections: Connections, begun: Begun, end: number): Promise<boolean> {
  do {
    const status = await askStatus(connections, begun, end);
    if (status === 'committed') return true;
    if (status === 'aborted') return false;
    if (status === ELSEWHERE) break;
    await sleep(100);
  } while (performance.now() < end);
  throw new AssetError('UNAVAILABLE', 'the database did not say whether the last change was made', {
    hint: 'Run the command again: it finds out what is stored.',
  });
}

/** Another server, which took over, may have given the number to another transaction. */
const ELSEWHERE = 'elsewhere';

/** undefined: the server is away, or does not know yet. */
async function askStatus(connections: Connections, begun: Begun, end: number): Promise<string | undefined> {
  const ask = onClient(connections, async (client) => {
    if (nameOf(client) !== begun.name) return ELSEWHERE;
    const { rows } = await client.query<{ status: string | null }>(
      `select case when ${SERVER} = $2 then pg_xact_status($1::xid8) else '${ELSEWHERE}' end as status`,
      [begun.transaction, begun.server],
    );
    return rows[0]?.status ?? undefined;
  });
  try {
    return await within(Math.max(SHORTEST_QUESTION, end - performance.now()), ask);
  } catch (error) {
    if (!isLost(error)) throw error;
    return undefined;
  }
}

function inSnapshot<T>(connections: Connections, work: (session: Session) => Promise<T>): Promise<T> {
  return onClient(connections, async (client) => {
    await client.query('begin isolation level repeatable read read only');
    const result = await workOrRollback(client, () => work(postgresSession(queriesOn(client))));
    await client.query('commit');
    return result;
  });
}

function postgresSession(db: Kysely<OpenTables>, begun?: string): Session {
  return {
    db,
    dialect: postgresDialect,
    run: async (query) => (await db.executeQuery(query)).rows,
    async now() {
      if (begun !== undefined) return begun;
      const { rows } = await sql<{ now: string }>`select ${postgresDialect.now} as now`.execute(db);
      return rows[0]?.now ?? '';
    },
    async insert(table, rows, options) {
      return rows.length === 0 ? 0 : insertSet(db, table, rows, options?.ifAbsent === true);
    },
  };
}

/**
 * A transaction may have begun before one that it waited for: its events bear the time at which they are written, under
 * the locks of what they record, so that the trail is in the order of the deeds.
 */
const TIME_OF_EVENT = sql`greatest(time, date_trunc('milliseconds', clock_timestamp()))`;

/** One statement and one parameter for all rows. */
async function insertSet<T extends TableName>(
  db: Kysely<OpenTables>,
  table: T,
  rows: readonly NewRow<T>[],
  ifAbsent: boolean,
): Promise<number> {
  const isNumbered = rows.some((row) => 'seq' in row);
  const columns = Object.entries<ColumnKind>(COLUMNS[table]).filter(([name]) => name !== 'seq' || isNumbered);
  const names = columns.map(([name]) => sql.ref(name));
  const values = columns.map(([name, kind]) => {
    if (table === 'audit_events' && name === 'time' && !isNumbered) return TIME_OF_EVENT;
    return baseKind(kind) === 'json' ? sql`${sql.ref(name)}::jsonb` : sql.ref(name);
  });
  const ending = sql.raw(ifAbsent ? 'on conflict do nothing' : '');
  const { numAffectedRows } = await sql`
    insert into ${sql.table(table)} (${sql.join(names)})
    select ${sql.join(values)} from ${recordSet(Object.fromEntries(columns), rows)} ${ending}`.execute(db);
  return Number(numAffectedRows);
}

async function facts(client: PoolClient): Promise<{ size: number | null; serverVersion: string }> {
  const { rows } = await client.query<{ size: number; version: string }>(
    "select pg_database_size(current_database()) as size, current_setting('server_version') as version",
  );
  return { size: rows[0]?.size ?? null, serverVersion: rows[0]?.version ?? '' };
}
