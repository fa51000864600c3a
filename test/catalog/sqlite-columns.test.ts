import { expect, test } from 'vitest';
import { SQLITE_MIGRATIONS } from '../../src/catalog/sqlite/migrations.ts';
import { Sqlite } from '../support/sqlite-driver.ts';

/** The columns of each table, in their order, once the first migrations are done. */
function columnsAt(version: number): Map<string, string> {
  const database = new Sqlite(':memory:');
  for (const { sql } of SQLITE_MIGRATIONS.filter((migration) => migration.version <= version)) database.exec(sql);
  const tables = database.prepare("select name from sqlite_master where type = 'table'").pluck().all() as string[];
  const columns = tables.map((table): [string, string] => {
    const names = database.prepare(`select name from pragma_table_xinfo('${table}') order by cid`).pluck().all();
    return [table, names.join(',')];
  });
  database.close();
  return new Map(columns);
}

// A program that runs on through a newer one's migration names what `select *` gives by the names that it knows, unless
// their number changes (sqlite/database.ts): a column that takes another's place would be taken for it.
test('no migration gives a table other columns of the same number', () => {
  const versions = SQLITE_MIGRATIONS.map(({ version }) => columnsAt(version));
  for (const [index, later] of versions.entries()) {
    for (const earlier of versions.slice(0, index)) {
      for (const [table, columns] of later) {
        const before = earlier.get(table) ?? columns;
        if (before.split(',').length === columns.split(',').length) expect(columns).toBe(before);
      }
    }
  }
});
