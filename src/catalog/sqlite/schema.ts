import { randomUUID } from 'node:crypto';
import type BetterSqlite3 from 'better-sqlite3';
import {
  type AppliedMigration,
  checksumOf,
  foreignTables,
  newestVersion,
  pendingMigrations,
  schemaNewer,
  schemaOlder,
} from '../migrations/migration.ts';
import { SQLITE_MIGRATIONS } from './migrations.ts';

type Connection = BetterSqlite3.Database;

/** Marks the file as a catalog in its header: "asct". */
const APPLICATION_ID = 0x61736374;
const NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/**
 * Sees to it that the file has the schema of this program. Costs two reads of the file's header where it has.
 * @throws AssetError SCHEMA_NEWER, DATABASE_UNUSABLE
 */
export function ensureSchema(connection: Connection, location: string, mayMigrate: boolean): void {
  const newest = newestVersion(SQLITE_MIGRATIONS);
  const version = ownVersion(connection, location);
  if (version === newest) return;
  if (version > newest) throw schemaNewer(location, version, newest);
  if (!mayMigrate) throw schemaOlder(location, version, newest);
  // What a step may have to take back is as large as the table that it changes.
  const store = Number(connection.pragma('temp_store', { simple: true }));
  connection.pragma('temp_store = FILE');
  connection.exec('begin immediate');
  try {
    migrate(connection, location);
    connection.exec('commit');
  } catch (error) {
    if (connection.inTransaction) connection.exec('rollback');
    throw error;
  } finally {
    connection.pragma(`temp_store = ${store}`);
  }
}

/** One view of the file: another process may be making the schema between two statements. */
function ownVersion(connection: Connection, location: string): number {
  return connection.transaction(() => readVersion(connection, location))();
}

function readVersion(connection: Connection, location: string): number {
  const version = Number(connection.pragma('user_version', { simple: true }));
  if (connection.pragma('application_id', { simple: true }) === APPLICATION_ID) return version;
  const table = connection.prepare("select name from sqlite_schema where type in ('table', 'view')").pluck().get();
  if (table !== undefined) throw foreignTables(location, String(table));
  return 0;
}

/** Under the lock of BEGIN IMMEDIATE: another process may have been faster. */
function migrate(connection: Connection, location: string): void {
  const isNew = ownVersion(connection, location) === 0;
  const applied = isNew
    ? []
    : (connection.prepare('select version, checksum from schema_migrations').all() as AppliedMigration[]);
  const record = `insert into schema_migrations (version, name, checksum, applied_at) values (?, ?, ?, ${NOW})`;
  for (const migration of pendingMigrations(SQLITE_MIGRATIONS, applied, location)) {
    connection.exec(migration.sql);
    connection.prepare(record).run(migration.version, migration.name, checksumOf(migration));
    connection.pragma(`user_version = ${migration.version}`);
  }
  if (!isNew) return;
  connection.pragma(`application_id = ${APPLICATION_ID}`);
  connection.prepare(`insert into catalog (id, created_at) values (?, ${NOW})`).run(randomUUID());
}
