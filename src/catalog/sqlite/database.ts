import { statSync } from 'node:fs';
import type BetterSqlite3 from 'better-sqlite3';
import { type CompiledQuery, Kysely, type SqliteDatabase, SqliteDialect, sql } from 'kysely';
import { AssetError } from '../../core/errors.ts';
import type { Database, NewRow, PageUse, Session, WriteOptions } from '../database.ts';
import { newestVersion } from '../migrations/migration.ts';
import { retryWhile } from '../retry.ts';
import { COLUMNS, type OpenTables, type TableName } from '../tables.ts';
import { sqliteDialect } from './dialect.ts';
import { isBusy, toAssetError } from './errors.ts';
import { SQLITE_MIGRATIONS } from './migrations.ts';
import { syncWalElsewhere } from './wal-sync.ts';

type Connection = BetterSqlite3.Database;

/** KiB; what is cached already and beyond it gives its memory to the next pages. */
const SMALL_CACHE = 'cache_size = -8192';

/** The catalog's transactions and statements on one SQLite connection. */
export function sqliteDatabase(connection: Connection, location: string, lockTimeout: number): Database {
  const prepare = statementCache(connection);
  const wal = connection.readonly || connection.memory ? undefined : syncWalElsewhere(connection);
  const kysely = new Kysely<OpenTables>({ dialect: new SqliteDialect({ database: adapt(connection, prepare) }) });

  const attempt = async <T>(work: () => Promise<T>, wait = lockTimeout): Promise<T> => {
    try {
      return await retryWhile(work, isBusy, wait);
    } catch (error) {
      throw toAssetError(error, location);
    }
  };
  /** For as long as the connection is open. */
  const fitCache = ({ touchesManyPages = false }: PageUse): void => {
    if (touchesManyPages) connection.pragma(SMALL_CACHE);
  };
  // Whoever has begun a transaction has the connection; without one anybody may ask in between.
  const isOurs = (): boolean => true;
  const isFree = (): boolean => !connection.inTransaction;
  const transaction = <T>(begin: string, work: (session: Session) => Promise<T>) =>
    kysely.connection().execute(async (db) => {
      prepare(begin).run();
      try {
        const result = await work(sqliteSession(db, prepare, isOurs));
        prepare('commit').run();
        return result;
      } catch (error) {
        // A full disk or a failed commit may have rolled back already.
        if (connection.inTransaction) prepare('rollback').run();
        throw error;
      }
    });

  return {
    kind: 'sqlite',
    location,
    newestVersion: newestVersion(SQLITE_MIGRATIONS),
    read(work, use = {}) {
      fitCache(use);
      return attempt(() => work(sqliteSession(kysely, prepare, isFree)));
    },
    snapshot: (work) => attempt(() => transaction('begin', work)),
    async write(work, options: WriteOptions = {}) {
      fitCache(options);
      const result = await attempt(() => transaction('begin immediate', work), options.wait);
      await wal?.durable();
      return result;
    },
    facts: async () => ({ size: fileSize(connection), serverVersion: serverVersion(connection) }),
    failure: () => wal?.failure(),
    check: () => attempt(async () => checkWhole(connection, location)),
    async close() {
      wal?.close();
      await kysely.destroy();
    },
  };
}

type Prepare = (text: string) => BetterSqlite3.Statement;

function statementCache(connection: Connection): Prepare {
  const statements = new Map<string, BetterSqlite3.Statement>();
  return (text) => {
    const known = statements.get(text);
    if (known !== undefined) return known;
    const statement = connection.prepare(text);
    statements.set(text, statement);
    return statement;
  };
}

/** SQLite has no truth values; better-sqlite3 refuses them. */
function bind(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value === undefined ? null : value;
}

function adapt(connection: Connection, prepare: Prepare): SqliteDatabase {
  return {
    prepare(text) {
      const statement = prepare(text);
      return {
        reader: statement.reader,
        all: (parameters) => statement.all(...parameters.map(bind)),
        run: (parameters) => statement.run(...parameters.map(bind)),
        iterate: (parameters) => statement.iterate(...parameters.map(bind)),
      };
    },
    close: () => connection.close(),
  };
}

/** `mayRun`: whether a statement may be run at once; else it waits until nobody has the connection. */
function sqliteSession(db: Kysely<OpenTables>, prepare: Prepare, mayRun: () => boolean): Session {
  return {
    db,
    dialect: sqliteDialect,
    async run<Row>(query: CompiledQuery<Row>) {
      if (!mayRun()) return (await db.executeQuery(query)).rows;
      const statement = prepare(query.sql);
      const parameters = query.parameters.map(bind);
      if (statement.reader) return statement.all(...parameters) as Row[];
      statement.run(...parameters);
      return [];
    },
    async now() {
      const { rows } = await sql<{ now: string }>`select ${sqliteDialect.now} as now`.execute(db);
      return rows[0]?.now ?? '';
    },
    async insert(table, rows, options) {
      return insertEach(prepare, table, rows, options?.ifAbsent === true);
    },
  };
}

/** A prepared statement in a loop: the fastest way in SQLite, by a third over sets. */
function insertEach<T extends TableName>(
  prepare: Prepare,
  table: T,
  rows: readonly NewRow<T>[],
  ifAbsent: boolean,
): number {
  const columns = Object.keys(COLUMNS[table]);
  const marks = columns.map(() => '?').join(', ');
  const ending = ifAbsent ? ' on conflict do nothing' : '';
  const statement = prepare(`insert into ${table} (${columns.join(', ')}) values (${marks})${ending}`);
  let inserted = 0;
  for (const row of rows as readonly Readonly<Record<string, unknown>>[]) {
    inserted += statement.run(columns.map((column) => bind(row[column]))).changes;
  }
  return inserted;
}

function fileSize(connection: Connection): number | null {
  return connection.memory ? null : statSync(connection.name).size;
}

function serverVersion(connection: Connection): string {
  return String(connection.prepare('select sqlite_version()').pluck().get());
}

function checkWhole(connection: Connection, location: string): void {
  const answer = connection.pragma('quick_check(1)', { simple: true });
  if (answer === 'ok') return;
  throw new AssetError('DATABASE_CORRUPT', `the database ${location} is damaged: ${String(answer)}`, {
    hint: 'Restore the newest backup into a new file (asset-cli db restore), then run asset-cli verify.',
  });
}
