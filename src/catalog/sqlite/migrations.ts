import { initialSqlite } from '../migrations/0001-initial.sqlite.ts';
import { lifecycleSqlite } from '../migrations/0002-lifecycle.sqlite.ts';
import { scanRunsSqlite } from '../migrations/0003-scan-runs.sqlite.ts';
import { originalsSqlite } from '../migrations/0004-originals.sqlite.ts';
import { migrationRunsSqlite } from '../migrations/0005-migration-runs.sqlite.ts';
import { tokensSqlite } from '../migrations/0006-tokens.sqlite.ts';
import { migrationSkipsSqlite } from '../migrations/0007-migration-skips.sqlite.ts';
import { contentOriginalsSqlite } from '../migrations/0008-content-originals.sqlite.ts';
import type { Migration } from '../migrations/migration.ts';

export const SQLITE_MIGRATIONS: readonly Migration[] = [
  { version: 1, name: '0001-initial', sql: initialSqlite },
  { version: 2, name: '0002-lifecycle', sql: lifecycleSqlite },
  { version: 3, name: '0003-scan-runs', sql: scanRunsSqlite },
  { version: 4, name: '0004-originals', sql: originalsSqlite },
  { version: 5, name: '0005-migration-runs', sql: migrationRunsSqlite },
  { version: 6, name: '0006-tokens', sql: tokensSqlite },
  { version: 7, name: '0007-migration-skips', sql: migrationSkipsSqlite },
  { version: 8, name: '0008-content-originals', sql: contentOriginalsSqlite },
];
