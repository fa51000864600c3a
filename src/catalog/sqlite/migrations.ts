import { initialSqlite } from '../migrations/0001-initial.sqlite.ts';
import { originalsSqlite } from '../migrations/0003-originals.sqlite.ts';
import type { Migration } from '../migrations/migration.ts';

export const SQLITE_MIGRATIONS: readonly Migration[] = [
  { version: 1, name: '0001-initial', sql: initialSqlite },
  { version: 3, name: '0003-originals', sql: originalsSqlite },
];
