import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/open.ts';
import { COLUMNS } from '../../src/catalog/tables.ts';
import { postgresDatabases, runSql } from '../support/postgres-databases.ts';
import { describeWithService } from '../support/services/index.ts';
import { Sqlite } from '../support/sqlite-driver.ts';

const directory = mkdtempSync(join(tmpdir(), 'asset-cli-schema-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const OPTIONS = { lockTimeout: 5000, migrate: 'auto' } as const;

/** Tables with the columns that programs write; computed ones are the database's own. */
function writtenColumns(rows: readonly { table: string; column: string }[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { table, column } of rows) found[table] = [...(found[table] ?? []), column];
  return Object.fromEntries(Object.entries(found).map(([table, columns]) => [table, columns.sort()]));
}

const EXPECTED = Object.fromEntries(
  Object.entries(COLUMNS).map(([table, columns]) => [table, Object.keys(columns).sort()]),
);

describe('the schema of SQLite', () => {
  it('is the one in fixtures/schema/sqlite.sql', async () => {
    const path = join(directory, 'schema.db');
    await (await openCatalog(`sqlite:${path}`, OPTIONS)).close();
    const connection = new Sqlite(path);
    const statements = connection
      .prepare<[], string>(
        "select sql || ';' from sqlite_schema where sql is not null and name <> 'sqlite_sequence' order by tbl_name, type desc, name",
      )
      .pluck()
      .all();
    const columns = connection
      .prepare<[], { table: string; column: string }>(
        `select m.name as "table", c.name as "column" from sqlite_schema m, pragma_table_info(m.name) c
         where m.type = 'table' and m.name <> 'sqlite_sequence'`,
      )
      .all();
    connection.close();
    await expect(`${statements.join('\n\n')}\n`).toMatchFileSnapshot('../../fixtures/schema/sqlite.sql');
    expect(writtenColumns(columns)).toEqual(EXPECTED);
  });
});

await describeWithService('postgres', 'the schema of PostgreSQL', ({ url: adminUrl }) => {
  const databases = postgresDatabases(adminUrl);
  afterAll(() => databases.dropAll());

  it('is the one in fixtures/schema/postgres.sql', async () => {
    const url = await databases.create();
    await (await openCatalog(url, OPTIONS)).close();
    // Its constants are told in the zone of the session.
    const lines = await runSql(`${url}?options=-c%20timezone%3DUTC`, POSTGRES_DUMP);
    const columns = await runSql(
      url,
      `select table_name as "table", column_name as "column" from information_schema.columns
       where table_schema = 'public' and is_generated = 'NEVER'`,
    );
    const text = lines.map((row) => String(row['line'])).join('\n');
    await expect(`${text}\n`).toMatchFileSnapshot('../../fixtures/schema/postgres.sql');
    expect(writtenColumns(columns as { table: string; column: string }[])).toEqual(EXPECTED);
  });
});

/** The same on every version: NOT NULL is told with its column, not as a constraint. */
const POSTGRES_DUMP = `
  select line from (
    select 1 as part, c.relname as name, a.attnum as position, format('column %s.%s %s%s%s%s%s', c.relname, a.attname,
      format_type(a.atttypid, a.atttypmod),
      case when a.attcollation <> 0 and co.collname <> 'default' then ' collate ' || co.collname else '' end,
      case when a.attnotnull then ' not null' else '' end,
      case when a.attgenerated <> '' then ' generated ' || pg_get_expr(d.adbin, d.adrelid)
        when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid)
        when a.attidentity <> '' then ' identity' else '' end,
      case when a.attstattarget > 0 then ' statistics ' || a.attstattarget else '' end) as line
    from pg_attribute a join pg_class c on c.oid = a.attrelid and c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_collation co on co.oid = a.attcollation
    where a.attnum > 0 and not a.attisdropped
    union all
    select 2, conrelid::regclass::text, 0, format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'
    union all
    select 3, tablename, 0, indexdef from pg_indexes where schemaname = 'public'
    union all
    select 4, tgrelid::regclass::text, 0, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all
    select 5, proname, 0, pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
  ) as dump order by part, name collate "C", position, line collate "C"`;
