import { type RawBuilder, sql } from 'kysely';
import type { SqlDialect } from '../database.ts';
import { toPostgresPattern } from '../glob.ts';
import { toJsonText } from '../json-text.ts';
import type { BaseKind, ColumnKind, ColumnKinds } from '../tables.ts';

/** JSON columns travel as text: a string inside JSON would become a JSON string, not an object. */
const SQL_TYPES: Readonly<Record<BaseKind, string>> = {
  uuid: 'uuid',
  text: 'text',
  time: 'timestamptz',
  int: 'bigint',
  flag: 'boolean',
  json: 'text',
};

/** Any number of our own: "asim". */
const IMPORT_LOCK = 0x6173696d;

export const postgresDialect: SqlDialect = {
  // The time of the transaction: stable, so that an index can be searched by it.
  now: sql<string>`date_trunc('milliseconds', now())`,
  writesAlone: false,
  nowPlus: (seconds) => sql<string>`date_trunc('milliseconds', now() + make_interval(secs => ${seconds}))`,
  forUpdate: (query, table, options) =>
    query.modifyEnd(sql`for update of ${sql.ref(table)}${sql.raw(options?.skipLocked === true ? ' skip locked' : '')}`),
  rowSet: (columns, rows) => sql<never>`(select * from ${recordSet(columns, rows)})`.as('r'),
  rowSetOf: (columns, json) => sql<never>`(select * from ${recordSetOf(columns, json)})`.as('r'),
  matchesGlob: (column, tokens) => sql<boolean>`${sql.ref(column)} ~ ${toPostgresPattern(tokens)}`,
  withoutIndex(column, kind) {
    if (kind === 'int') return sql<never>`(${sql.ref(column)} + 0)`;
    if (kind === 'time') return sql<never>`(${sql.ref(column)} + interval '0')`;
    return sql<never>`(${sql.ref(column)} || '')`;
  },
  across: (index, table) =>
    sql<boolean>`(${sql.ref(`${table}.organization_id`)} || '') ${sql.raw(index === 'creation' ? '>' : '<>')} ''`,
  async expectedRows(query) {
    const [row] = await query.explain<{ 'QUERY PLAN': string }>('json');
    const [explained] = JSON.parse(row?.['QUERY PLAN'] ?? '[]') as { Plan: { 'Plan Rows': number } }[];
    return explained?.Plan['Plan Rows'] ?? 1;
  },
  derivesConditions: true,
  // An entry in another order than the table's costs a look at the visibility map: few are sorted.
  reach: {
    window: { glance: 1_000, sparse: { size: 1.5, expiry: 1.5, name: 0.9 } },
    walk: 2_000,
    aside: 150,
    scan: 10_000,
    sort: 50,
  },
  beforeImport: [sql`select pg_advisory_xact_lock(${IMPORT_LOCK}::bigint)`],
  afterImport: [
    sql`
    select setval(pg_get_serial_sequence('audit_events', 'seq'), coalesce(max(seq), 0) + 1, false) from audit_events`,
    // Until autovacuum comes by, the planner would read whole tables for a few rows.
    sql`analyze assets, objects, content_verdicts, originals, asset_tags, audit_events`,
  ],
};

/** `json_to_recordset(…) as s (id uuid, …)`: rows in their order. */
export function recordSet(columns: ColumnKinds, rows: readonly unknown[]): RawBuilder<unknown> {
  return recordSetOf(columns, toJsonText(rows));
}

function recordSetOf(columns: ColumnKinds, json: string): RawBuilder<unknown> {
  const fields = Object.entries(columns).map(
    ([name, kind]) => sql`${sql.ref(name)} ${sql.raw(SQL_TYPES[baseKind(kind)])}`,
  );
  return sql`json_to_recordset(${json}::json) as s (${sql.join(fields)})`;
}

export function baseKind(kind: ColumnKind): BaseKind {
  return kind.replace('?', '') as BaseKind;
}
