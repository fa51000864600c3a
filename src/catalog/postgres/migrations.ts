import { initialPostgres } from '../migrations/0001-initial.postgres.ts';
import { lifecyclePostgres } from '../migrations/0002-lifecycle.postgres.ts';
import { scanRunsPostgres } from '../migrations/0003-scan-runs.postgres.ts';
import { originalsPostgres } from '../migrations/0004-originals.postgres.ts';
import { migrationRunsPostgres } from '../migrations/0005-migration-runs.postgres.ts';
import { tokensPostgres } from '../migrations/0006-tokens.postgres.ts';
import { migrationSkipsPostgres } from '../migrations/0007-migration-skips.postgres.ts';
import { allOrganizationsPostgres } from '../migrations/0008-all-organizations.postgres.ts';
import { creationKeysPostgres, replacedByCreationKeys } from '../migrations/0009-creation-keys.postgres.ts';
import { statisticsPostgres } from '../migrations/0010-statistics.postgres.ts';
import { contentOriginalsPostgres } from '../migrations/0011-content-originals.postgres.ts';
import { indexMigration, type Migration } from '../migrations/migration.ts';

export const POSTGRES_MIGRATIONS: readonly Migration[] = [
  { version: 1, name: '0001-initial', sql: initialPostgres },
  { version: 2, name: '0002-lifecycle', sql: lifecyclePostgres },
  { version: 3, name: '0003-scan-runs', sql: scanRunsPostgres },
  { version: 4, name: '0004-originals', sql: originalsPostgres },
  { version: 5, name: '0005-migration-runs', sql: migrationRunsPostgres },
  { version: 6, name: '0006-tokens', sql: tokensPostgres },
  { version: 7, name: '0007-migration-skips', sql: migrationSkipsPostgres },
  indexMigration(8, '0008-all-organizations', allOrganizationsPostgres),
  indexMigration(9, '0009-creation-keys', creationKeysPostgres, replacedByCreationKeys),
  { version: 10, name: '0010-statistics', sql: statisticsPostgres },
  { version: 11, name: '0011-content-originals', sql: contentOriginalsPostgres },
];
