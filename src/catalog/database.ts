import type { AliasedRawBuilder, CompiledQuery, Kysely, RawBuilder, SelectQueryBuilder } from 'kysely';
import type { AssetError } from '../core/errors.ts';
import type { RangeName } from './filters.ts';
import type { GlobToken } from './glob.ts';
import type { ColumnKinds, OpenTables, RowOf, TableName, TableRow } from './tables.ts';

/** What SQLite and PostgreSQL write differently. */
export interface SqlDialect {
  /** The database's time as ISO 8601 with milliseconds; the same value during a statement. */
  readonly now: RawBuilder<string>;
  nowPlus(seconds: number): RawBuilder<string>;
  /**
   * Locks the selected rows of `table` until the transaction ends; the order of the query is the order of locking.
   * `skipLocked` leaves out what another transaction holds instead of waiting for it.
   */
  forUpdate<DB, TB extends keyof DB, O>(
    query: SelectQueryBuilder<DB, TB, O>,
    table: TB & string,
    options?: { skipLocked: boolean },
  ): SelectQueryBuilder<DB, TB, O>;
  /** A transaction that writes has the whole database to itself: there is no row to lock, or to find held by another. */
  readonly writesAlone: boolean;
  /** Rows of the program as a table named `r`: one parameter, whatever their number. */
  rowSet<C extends ColumnKinds>(columns: C, rows: readonly RowOf<C>[]): AliasedRawBuilder<RowOf<C>, 'r'>;
  /** The same of rows as JSON, which a prepared query takes. */
  rowSetOf<C extends ColumnKinds>(columns: C, json: string): AliasedRawBuilder<RowOf<C>, 'r'>;
  /** Case-sensitive match of a whole text. */
  matchesGlob(column: string, tokens: readonly GlobToken[]): RawBuilder<boolean>;
  /** The column's value in a form that no index serves: keeps the planner from another order than the asked one. */
  withoutIndex(column: string, kind: 'text' | 'int' | 'time'): RawBuilder<never>;
  /**
   * The condition of the indexes over all organisations. A list of all says it, one of a single organisation never:
   * it could be led along everybody's rows. undefined: there are no such indexes, and lists are merged.
   */
  readonly across?: (index: AcrossIndex, table: string) => RawBuilder<boolean>;
  /** How many rows the planner expects of a query, by its statistics alone; undefined: it keeps none. */
  readonly expectedRows?: (query: Explainable) => Promise<number>;
  /** Whether the planner sees that one condition implies another: said twice, it would count for two. */
  readonly derivesConditions: boolean;
  /** How far a list looks before it tries another way, in entries of an index. */
  readonly reach: Reach;
  /** Lets imports into one catalog take turns, where a transaction alone does not. */
  readonly beforeImport: readonly RawBuilder<unknown>[];
  /** What an import, which brought its own `seq`, has to set right. */
  readonly afterImport: readonly RawBuilder<unknown>[];
}

/** A query of which the planner can be asked what it would do. */
export type Explainable = Pick<SelectQueryBuilder<OpenTables, never, unknown>, 'explain'>;

/** The index of creation has a condition of its own: where there is an equality, it must not be walked in its place. */
export type AcrossIndex = 'creation' | 'other';

export interface WindowReach {
  /** How many entries tell how dense the matches of a range are. */
  glance: number;
  /**
   * Of n assets, m that match are gathered if m² is less than this many times what is wanted times n: a walk to one that
   * is wanted costs n / m entries of the index of creation, gathering m of the range's, which are shorter.
   */
  sparse: Readonly<Record<RangeName, number>>;
}

export interface Reach {
  /** undefined: ranges are not searched by windows. */
  window: WindowReach | undefined;
  /** A walk that fetches rows, in the order of creation, which is the table's. */
  walk: number;
  /** A walk in another order: each row lies elsewhere. */
  aside: number;
  /** A walk that looks at an index alone. */
  scan: number;
  /** How many matches are few enough to be sorted. */
  sort: number;
}

/** A connection, inside or outside a transaction. */
export interface Session {
  readonly db: Kysely<OpenTables>;
  readonly dialect: SqlDialect;
  /** A query that was compiled before. */
  run<Row>(query: CompiledQuery<Row>): Promise<readonly Row[]>;
  /** The database's time, ISO 8601 in UTC with milliseconds. */
  now(): Promise<string>;
  /** Inserts all rows, in their order. `ifAbsent` leaves rows whose key exists as they are. Returns how many were inserted. */
  insert<T extends TableName>(table: T, rows: readonly NewRow<T>[], options?: { ifAbsent: boolean }): Promise<number>;
}

/** seq is given by the database, but kept by an import. */
export type NewRow<T extends TableName> = T extends 'audit_events'
  ? Omit<TableRow<T>, 'seq'> & { seq?: number }
  : TableRow<T>;

export interface PageUse {
  /** Goes through pages of nearly everything and comes back to few: more than a small cache of them only costs memory. */
  touchesManyPages?: boolean;
}

export interface WriteOptions extends PageUse {
  /** Milliseconds to wait for locks instead of the configured time. */
  wait?: number;
  /** `work` cannot be repeated once it has begun: it reads a stream. */
  once?: boolean;
}

/** One open database. Rejections are AssetErrors. */
export interface Database {
  readonly kind: 'sqlite' | 'postgres';
  /** Without secrets. */
  readonly location: string;
  /** Of the schema that this program brings. */
  readonly newestVersion: number;
  /** Statements on their own. */
  read<T>(work: (session: Session) => Promise<T>, use?: PageUse): Promise<T>;
  /** One view of the data during all statements. */
  snapshot<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** One transaction; `work` may run again after a lock, a deadlock or a serialization failure. */
  write<T>(work: (session: Session) => Promise<T>, options?: WriteOptions): Promise<T>;
  facts(): Promise<{ size: number | null; serverVersion: string }>;
  /** Why no write succeeds any more until it is opened anew. */
  failure?(): AssetError | undefined;
  /** Rejects if the database does not answer or is not whole. */
  check(): Promise<void>;
  close(): Promise<void>;
}
