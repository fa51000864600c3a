import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient, QueryConfig } from 'pg';
import { AssetError } from '../../core/errors.ts';
import {
  type AppliedMigration,
  checksumOf,
  foreignTables,
  type Indexes,
  type Migration,
  newestVersion,
  pendingMigrations,
  schemaOlder,
} from '../migrations/migration.ts';
import type { Connections, Queries } from './connections.ts';
import { codeOf } from './errors.ts';
import { POSTGRES_MIGRATIONS } from './migrations.ts';

/** Any number of our own: "asct". */
const MIGRATION_LOCK = 0x61736374;
/** Milliseconds: a large table takes its time, and may have it. */
const LONGEST_STEP = 24 * 3_600_000;
/** Milliseconds between two questions for the lock. */
const LOCK_POLL = 50;
const UNDEFINED_TABLE = '42P01';
const UNDEFINED_COLUMN = '42703';
const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * Sees to it that the database has the schema of this program; one query where it has.
 * @throws AssetError SCHEMA_NEWER, DATABASE_UNUSABLE; DATABASE_FORBIDDEN if it has to be made by a login that may not
 */
export async function ensurePostgresSchema(
  connections: Connections,
  location: string,
  { mayMigrate, lockTimeout }: { mayMigrate: boolean; lockTimeout: number },
): Promise<void> {
  const applied = await appliedMigrations(connections, location);
  if (pendingMigrations(POSTGRES_MIGRATIONS, applied, location).length === 0) return;
  const version = Math.max(0, ...applied.map((step) => step.version));
  const older = schemaOlder(location, version, newestVersion(POSTGRES_MIGRATIONS));
  if (!mayMigrate) {
    if (version === 0) await refuseForeignTables(connections, location);
    throw older;
  }
  const end = performance.now() + lockTimeout;
  try {
    while ((await migrate(connections, location, end)) === 'more');
  } catch (error) {
    if (codeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    throw new AssetError('DATABASE_FORBIDDEN', `${older.message}, and this login may not change that`, {
      hint: 'Run asset-cli db migrate as the owner of the schema, then grant the rights in docs/postgresql.md.',
      cause: error,
    });
  }
}

async function appliedMigrations(client: Queries, location: string): Promise<AppliedMigration[]> {
  try {
    const { rows } = await client.query<AppliedMigration>(
      'select version, checksum from schema_migrations order by version',
    );
    return rows;
  } catch (error) {
    if (codeOf(error) === UNDEFINED_TABLE) return [];
    if (codeOf(error) === UNDEFINED_COLUMN) throw foreignTables(location, 'schema_migrations');
    throw error;
  }
}

/** Others that start at the same time wait for the lock, and then find nothing to do. */
async function migrate(connections: Connections, location: string, end: number): Promise<'more' | 'done'> {
  const client = await connections.connect();
  try {
    await beginWithLock(client, location, end);
    const outcome = await takeSteps(connections, client, location);
    await client.query('commit');
    client.release();
    return outcome;
  } catch (error) {
    // Closing the connection rolls back, whatever state it is in.
    client.release(true);
    throw error;
  }
}

/**
 * By asking again: whoever waits inside a statement holds a snapshot, for whose end indexes that are made meanwhile
 * would wait, and whoever waits inside a transaction a connection of a pooler.
 */
async function beginWithLock(client: PoolClient, location: string, end: number): Promise<void> {
  for (;;) {
    const left = end - performance.now();
    await client.query(
      `begin; set local lock_timeout = ${Math.max(1, Math.round(left))}; set local idle_in_transaction_session_timeout = 0`,
    );
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [
      MIGRATION_LOCK,
    ]);
    if (rows[0]?.taken === true) return;
    await client.query('rollback');
    if (left <= 0) {
      throw new AssetError('DATABASE_LOCKED', `the database ${location} is being migrated by another program`, {
        hint: 'Try again when that has ended; large tables take minutes.',
      });
    }
    await sleep(LOCK_POLL);
  }
}

/** In one transaction, up to a step that must be outside of any: that one is a turn of its own. */
async function takeSteps(connections: Connections, client: PoolClient, location: string): Promise<'more' | 'done'> {
  const { rows } = await client.query<{ found: boolean }>(
    "select to_regclass('schema_migrations') is not null as found",
  );
  const isNew = rows[0]?.found !== true;
  if (isNew) {
    await refuseForeignTables(client, location);
    await refuseOtherEncoding(client, location);
  }
  const applied = isNew ? [] : await appliedMigrations(client, location);
  const pending = pendingMigrations(POSTGRES_MIGRATIONS, applied, location);
  const [first] = pending;
  if (!isNew && first?.indexes !== undefined) {
    await makeIndexes(connections, first.indexes, first.replaced);
    await record(client, first);
    return pending.length > 1 ? 'more' : 'done';
  }
  for (const migration of pending) {
    if (!isNew && migration.indexes !== undefined) return 'more';
    // Of an empty database no step takes long: there a server that falls silent is not waited for.
    await client.query(isNew ? migration.sql : longStep(migration.sql));
    await record(client, migration);
  }
  if (isNew) await client.query('insert into catalog (id, created_at) values ($1, now())', [randomUUID()]);
  return 'done';
}

async function record(client: PoolClient, migration: Migration): Promise<void> {
  await client.query('insert into schema_migrations (version, name, checksum, applied_at) values ($1, $2, $3, now())', [
    migration.version,
    migration.name,
    checksumOf(migration),
  ]);
}

/**
 * While others write to the table. On a connection beside the one that holds the lock, because a transaction may not do
 * it; what an earlier attempt finished stays, and what it left half-made is made anew.
 */
async function makeIndexes(
  connections: Connections,
  indexes: Indexes,
  replaced: readonly string[] = [],
): Promise<void> {
  for (const [name, rest] of Object.entries(indexes)) {
    const { rows } = await connections.query<{ valid: boolean }>(
      'select indisvalid as valid from pg_index where indexrelid = to_regclass($1)',
      [name],
    );
    const valid = rows[0]?.valid;
    if (valid === true) continue;
    if (valid === false) await connections.query(longStep(`drop index concurrently ${name}`));
    await connections.query(longStep(`create index concurrently ${name} ${rest}`));
  }
  for (const name of replaced) await connections.query(longStep(`drop index concurrently if exists ${name}`));
}

function longStep(text: string): QueryConfig & { query_timeout: number } {
  return { text, query_timeout: LONGEST_STEP };
}

/** Tables of extensions are nobody's. */
async function refuseForeignTables(client: Queries, location: string): Promise<void> {
  const { rows } = await client.query<{ schema: string | null; table: string | null }>(
    `select current_schema() as schema, min(c.relname::text) as table
     from pg_class c
     where c.relnamespace = to_regnamespace(quote_ident(current_schema())) and c.relkind in ('r', 'p', 'v', 'm', 'f')
       and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e')`,
  );
  const table = rows[0]?.table;
  if (typeof table === 'string') throw foreignTables(location, table);
  if (rows[0]?.schema !== null) return;
  throw new AssetError('DATABASE_UNUSABLE', `the database ${location} has no schema that this login may use`, {
    hint: 'Create the schema named in search_path, or grant USAGE on it.',
  });
}

/**
 * Names of files are Unicode: another encoding refuses some of them, or keeps them unchecked.
 * @throws AssetError DATABASE_UNUSABLE
 */
export async function refuseOtherEncoding(client: Queries, location: string): Promise<void> {
  const { rows } = await client.query<{ encoding: string }>("select current_setting('server_encoding') as encoding");
  const encoding = rows[0]?.encoding ?? '';
  if (encoding === 'UTF8') return;
  throw new AssetError('DATABASE_UNUSABLE', `the database ${location} has the encoding ${encoding}, not UTF8`, {
    hint: 'Make a new one: createdb --encoding UTF8 --template template0 <name>',
  });
}
