import { statSync } from 'node:fs';
import type BetterSqlite3 from 'better-sqlite3';
import { type CompiledQuery, Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';
import { AssetError } from '../../core/errors.ts';
import type { Database, NewRow, PageUse, Session, WriteOptions } from '../database.ts';
import { newestVersion } from '../migrations/migration.ts';
import { prepared } from '../prepared.ts';
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
type Row = Record<string, unknown>;

/** Statements that read give their rows as lists of values: the driver would look up each column's name for every row. */
function statementCache(connection: Connection): Prepare {
  const statements = new Map<string, BetterSqlite3.Statement>();
  return (text) => {
    const known = statements.get(text);
    if (known !== undefined) return known;
    const statement = connection.prepare(text);
    if (statement.reader) statement.raw();
    statements.set(text, statement);
    return statement;
  };
}

function allRows(statement: BetterSqlite3.Statement, parameters: readonly unknown[]): Row[] {
  const rows = statement.all(...parameters.map(bind)) as unknown[][];
  const [first] = rows;
  if (first === undefined) return [];
  const columns = columnsOf(statement, first.length);
  return rows.map((values) => toRow(columns, values));
}

interface Columns {
  names: readonly string[];
  /** A row without its values. */
  empty: Row;
}

const knownColumns = new WeakMap<BetterSqlite3.Statement, Columns>();

/** A newer program may have changed the columns meanwhile, and `select *` follows; never to others of the same number. */
function columnsOf(statement: BetterSqlite3.Statement, count: number): Columns {
  const known = knownColumns.get(statement);
  if (known?.names.length === count) return known;
  const columns = readColumns(statement);
  knownColumns.set(statement, columns);
  return columns;
}

function readColumns(statement: BetterSqlite3.Statement): Columns {
  const names = statement.columns().map(({ name }) => name);
  return { names, empty: JSON.parse(JSON.stringify(Object.fromEntries(names.map((name) => [name, null])))) };
}

function* eachRow(statement: BetterSqlite3.Statement, parameters: readonly unknown[]): IterableIterator<Row> {
  const columns = readColumns(statement);
  for (const values of statement.iterate(...parameters.map(bind)) as IterableIterator<unknown[]>) {
    yield toRow(columns, values);
  }
}

/** V8 copies what JSON.parse has made, and fills it, four times as fast as it gives an object 50 properties one by one. */
function toRow({ names, empty }: Columns, values: readonly unknown[]): Row {
  const row = { ...empty };
  let index = 0;
  for (const name of names) {
    row[name] = values[index];
    index += 1;
  }
  return row;
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
        all: (parameters) => allRows(statement, parameters),
        run: (parameters) => statement.run(...parameters.map(bind)),
        iterate: (parameters) => eachRow(statement, parameters),
      };
    },
    close: () => connection.close(),
  };
}

/** `mayRun`: whether a statement may be run at once; else it waits until nobody has the connection. */
function sqliteSession(db: Kysely<OpenTables>, prepare: Prepare, mayRun: () => boolean): Session {
  const session: Session = {
    db,
    dialect: sqliteDialect,
    async run<Result>(query: CompiledQuery<Result>) {
      if (!mayRun()) return (await db.executeQuery(query)).rows;
      const statement = prepare(query.sql);
      if (statement.reader) return allRows(statement, query.parameters) as Result[];
      statement.run(...query.parameters.map(bind));
      return [];
    },
    async now() {
      const [row] = await now(session, []);
      return row?.now ?? '';
    },
    async insert(table, rows, options) {
      return insertEach(prepare, table, rows, options?.ifAbsent === true);
    },
  };
  return session;
}

const now = prepared(({ db }) => db.selectNoFrom(sqliteDialect.now.as('now')), 0);

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
