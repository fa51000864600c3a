import { sql } from 'kysely';
import type { SqlDialect } from '../database.ts';
import { toSqliteGlob } from '../glob.ts';
import type { ColumnKinds } from '../tables.ts';

function rowSetOf(columns: ColumnKinds, json: string) {
  const fields = Object.keys(columns).map((name) => sql`value ->> ${sql.lit(name)} as ${sql.ref(name)}`);
  return sql<never>`(select ${sql.join(fields)} from json_each(${json}))`.as('r');
}

export const sqliteDialect: SqlDialect = {
  now: sql<string>`strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`,
  nowPlus: (seconds) => sql<string>`strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ${`${seconds} seconds`})`,
  // BEGIN IMMEDIATE has locked the whole database.
  writesAlone: true,
  forUpdate: (query) => query,
  rowSet: (columns, rows) => rowSetOf(columns, JSON.stringify(rows)),
  rowSetOf,
  matchesGlob: (column, tokens) => sql<boolean>`${sql.ref(column)} glob ${toSqliteGlob(tokens)}`,
  withoutIndex: (column) => sql<never>`+${sql.ref(column)}`,
  derivesConditions: false,
  beforeImport: [],
  afterImport: [],
  reach: { window: undefined, walk: 10_000, aside: 10_000, scan: 10_000, sort: 20_000 },
};
