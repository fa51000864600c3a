import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient, QueryConfig } from 'pg';
import { AssetError } from '../../core/errors.ts';
import {
  type AppliedMigration,
  checksumOf,
  foreignTables,
  newestVersion,
  pendingMigrations,
  schemaOlder,
} from '../migrations/migration.ts';
import { codeOf } from './errors.ts';
import { POSTGRES_MIGRATIONS } from './migrations.ts';

/** Any number of our own: "asct". */
const MIGRATION_LOCK = 0x61736374;
/** Milliseconds: a large table takes its time, and may have it. */
const LONGEST_STEP = 24 * 3_600_000;
const UNDEFINED_TABLE = '42P01';
const UNDEFINED_COLUMN = '42703';

/**
 * Sees to it that the database has the schema of this program; one query where it has.
 * @throws AssetError SCHEMA_NEWER, DATABASE_UNUSABLE; NOT_PERMITTED if it has to be made by a login that may not
 */
export async function ensurePostgresSchema(
  pool: Pool,
  location: string,
  { mayMigrate, lockTimeout }: { mayMigrate: boolean; lockTimeout: number },
): Promise<void> {
  const applied = await appliedMigrations(pool, location);
  if (pendingMigrations(POSTGRES_MIGRATIONS, applied, location).length === 0) return;
  const version = Math.max(0, ...applied.map((step) => step.version));
  if (!mayMigrate) {
    if (version === 0) await refuseForeignTables(pool, location);
    throw schemaOlder(location, version, newestVersion(POSTGRES_MIGRATIONS));
  }
  const client = await pool.connect();
  try {
    await client.query(`begin; set local lock_timeout = ${Math.max(1, Math.round(lockTimeout))}`);
    await migrate(client, location);
    await client.query('commit');
    client.release();
  } catch (error) {
    // Closing the connection rolls back, whatever state it is in.
    client.release(true);
    throw error;
  }
}

async function appliedMigrations(client: Pool | PoolClient, location: string): Promise<AppliedMigration[]> {
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

/** Others that start at the same time wait here, and then find nothing to do. */
async function migrate(client: PoolClient, location: string): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  const { rows } = await client.query<{ found: boolean }>(
    "select to_regclass('schema_migrations') is not null as found",
  );
  const isNew = rows[0]?.found !== true;
  if (isNew) {
    await refuseForeignTables(client, location);
    await refuseOtherEncoding(client, location);
  }
  const applied = isNew ? [] : await appliedMigrations(client, location);
  for (const migration of pendingMigrations(POSTGRES_MIGRATIONS, applied, location)) {
    const step: QueryConfig & { query_timeout: number } = { text: migration.sql, query_timeout: LONGEST_STEP };
    await client.query(step);
    await client.query(
      'insert into schema_migrations (version, name, checksum, applied_at) values ($1, $2, $3, now())',
      [migration.version, migration.name, checksumOf(migration)],
    );
  }
  if (isNew) await client.query('insert into catalog (id, created_at) values ($1, now())', [randomUUID()]);
}

/** Tables of extensions are nobody's. */
async function refuseForeignTables(client: Pool | PoolClient, location: string): Promise<void> {
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
export async function refuseOtherEncoding(client: Pool | PoolClient, location: string): Promise<void> {
  const { rows } = await client.query<{ encoding: string }>("select current_setting('server_encoding') as encoding");
  const encoding = rows[0]?.encoding ?? '';
  if (encoding === 'UTF8') return;
  throw new AssetError('DATABASE_UNUSABLE', `the database ${location} has the encoding ${encoding}, not UTF8`, {
    hint: 'Make a new one: createdb --encoding UTF8 --template template0 <name>',
  });
}
