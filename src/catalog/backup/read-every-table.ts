import { sql } from 'kysely';
import type { Database } from '../database.ts';
import { COLUMNS } from '../tables.ts';

/** Asks every table for every column, and for no row: a part of the schema that went is seen before it is needed. */
export function readEveryTable(database: Database): Promise<void> {
  return database.read(async ({ db }) => {
    for (const [table, columns] of Object.entries(COLUMNS)) {
      const names = Object.keys(columns).map((name) => sql.ref(`${table}.${name}`));
      await sql`select ${sql.join(names)} from ${sql.table(table)} where 1 = 0`.execute(db);
    }
  });
}
