import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import type { Pool, PoolClient, QueryResult } from 'pg';
import { AssetError } from '../../core/errors.ts';
import type { Database, NewRow, Session } from '../database.ts';
import { newestVersion } from '../migrations/migration.ts';
import { COLUMNS, type ColumnKind, type OpenTables, type TableName } from '../tables.ts';
import { baseKind, postgresDialect, recordSet } from './dialect.ts';
import { isLost, toAssetError } from './errors.ts';
import { POSTGRES_MIGRATIONS } from './migrations.ts';
import { type OpenPool, queriesOn } from './pool.ts';
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
export function postgresDatabase({ pool, close }: OpenPool, location: string, times: PostgresTimes): Database {
  const waiting = createWaiting(pool, times.deadline);
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
    read: (work) => attempt(() => onClient(pool, (client) => work(postgresSession(queriesOn(client))))),
    // A reader of the snapshot cannot be taken back to its start.
    snapshot: (work) => attempt(() => inSnapshot(pool, work), 0),
    write(work, { wait, once } = {}) {
      const limits = { lock: wait ?? times.lockTimeout, statement: times.statement };
      const deadline = once === true ? 0 : (wait ?? times.deadline);
      return attempt((end) => inTransaction(pool, limits, end, work), deadline);
    },
    facts: () => attempt(() => onClient(pool, facts)),
    check: () =>
      attempt(async () => {
        await refuseOtherEncoding(pool, location);
      }),
    close,
  };
}

async function onClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let isBroken = false;
  try {
    return await work(client);
  } catch (error) {
    isBroken = isLost(error);
    throw error;
  } finally {
    client.release(isBroken);
  }
}

/**
 * One transaction. Limits are set for it alone, in the message that begins it. Where the answer to COMMIT is
 * lost, the server is asked afterwards whether the transaction was committed.
 */
async function inTransaction<T>(
  pool: Pool,
  limits: Limits,
  end: number,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const done: { result: T; transaction: string } | { failed: unknown; transaction: string } = await onClient(
    pool,
    async (client) => {
      const { transaction, now } = await workOrRollback(client, () => begin(client, limits));
      const result = await workOrRollback(client, () => work(postgresSession(queriesOn(client), now)));
      try {
        await commit(client);
        return { result, transaction };
      } catch (error) {
        if (!isLost(error)) throw error;
        return { result, transaction, failed: error };
      }
    },
  );
  if (!('failed' in done)) return done.result;
  if ('result' in done && (await wasCommitted(pool, done.transaction, end))) return done.result as T;
  throw done.failed;
}

/** Milliseconds, for one transaction. */
interface Limits {
  lock: number;
  statement: number;
}

interface Begun {
  transaction: string;
  /** The same for all of the transaction. */
  now: string;
}

async function begin(client: PoolClient, limits: Limits): Promise<Begun> {
  const [lock, statement] = [limits.lock, limits.statement].map((limit) => Math.max(1, Math.round(limit)));
  const answers: unknown = await client.query(
    `begin; set local lock_timeout = ${lock}; set local statement_timeout = ${statement};
     select pg_current_xact_id()::text as transaction, date_trunc('milliseconds', now()) as now`,
  );
  const last = Array.isArray(answers) ? (answers.at(-1) as QueryResult<Begun>) : undefined;
  const begun = last?.rows[0];
  if (begun === undefined) throw new Error('the database did not say that a transaction has begun');
  return begun;
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

async function wasCommitted(pool: Pool, transaction: string, end: number): Promise<boolean> {
  do {
    const status = await askStatus(pool, transaction, end);
    if (status === 'committed') return true;
    if (status === 'aborted') return false;
    await sleep(100);
  } while (performance.now() < end);
  throw new AssetError('UNAVAILABLE', 'the database did not say whether the last change was made', {
    hint: 'Run the command again: it finds out what is stored.',
  });
}

/** undefined: the server is away, or does not know yet. */
async function askStatus(pool: Pool, transaction: string, end: number): Promise<string | undefined> {
  const ask = pool.query<{ status: string | null }>('select pg_xact_status($1::xid8) as status', [transaction]);
  try {
    const { rows } = await within(Math.max(SHORTEST_QUESTION, end - performance.now()), ask);
    return rows[0]?.status ?? undefined;
  } catch (error) {
    if (!isLost(error)) throw error;
    return undefined;
  }
}

function inSnapshot<T>(pool: Pool, work: (session: Session) => Promise<T>): Promise<T> {
  return onClient(pool, async (client) => {
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
    async now() {
      if (begun !== undefined) return begun;
      const { rows } = await sql<{ now: string }>`select ${postgresDialect.now} as now`.execute(db);
      return rows[0]?.now ?? '';
    },
    async insert(table, rows, options) {
      if (rows.length > 0) await insertSet(db, table, rows, options?.ifAbsent === true);
    },
  };
}

/** One statement and one parameter for all rows. */
async function insertSet<T extends TableName>(
  db: Kysely<OpenTables>,
  table: T,
  rows: readonly NewRow<T>[],
  ifAbsent: boolean,
): Promise<void> {
  const isNumbered = rows.some((row) => 'seq' in row);
  const columns = Object.entries<ColumnKind>(COLUMNS[table]).filter(([name]) => name !== 'seq' || isNumbered);
  const names = columns.map(([name]) => sql.ref(name));
  const values = columns.map(([name, kind]) =>
    baseKind(kind) === 'json' ? sql`${sql.ref(name)}::jsonb` : sql.ref(name),
  );
  const ending = sql.raw(ifAbsent ? 'on conflict do nothing' : '');
  await sql`
    insert into ${sql.table(table)} (${sql.join(names)})
    select ${sql.join(values)} from ${recordSet(Object.fromEntries(columns), rows)} ${ending}`.execute(db);
}

async function facts(client: PoolClient): Promise<{ size: number | null; serverVersion: string }> {
  const { rows } = await client.query<{ size: number; version: string }>(
    "select pg_database_size(current_database()) as size, current_setting('server_version') as version",
  );
  return { size: rows[0]?.size ?? null, serverVersion: rows[0]?.version ?? '' };
}
