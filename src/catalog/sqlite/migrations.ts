import { initialSqlite } from '../migrations/0001-initial.sqlite.ts';
import { lifecycleSqlite } from '../migrations/0002-lifecycle.sqlite.ts';
import { originalsSqlite } from '../migrations/0003-originals.sqlite.ts';
import type { Migration } from '../migrations/migration.ts';

export const SQLITE_MIGRATIONS: readonly Migration[] = [
  { version: 1, name: '0001-initial', sql: initialSqlite },
  { version: 2, name: '0002-lifecycle', sql: lifecycleSqlite },
  { version: 3, name: '0003-originals', sql: originalsSqlite },
];
