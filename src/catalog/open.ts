import { AssetError } from '../core/errors.ts';
import { assetReads } from './assets/asset-reads.ts';
import { statistics } from './assets/statistics.ts';
import { auditLog } from './audit/audit.ts';
import { backendRegistry } from './backends.ts';
import type { Catalog, OpenCatalogOptions } from './catalog.ts';
import type { Database } from './database.ts';
import { inventory } from './inventory.ts';
import { catalogMaintenance } from './maintenance.ts';
import { migrationRuns } from './moving/migration-runs.ts';
import { moveWrites } from './moving/moves.ts';
import { deleteWrites } from './removal/deletes.ts';
import { leftovers } from './removal/leftovers.ts';
import { lifecycleWrites } from './removal/lifecycle.ts';
import { assetPurge } from './removal/purge.ts';
import { tokens } from './tokens.ts';
import { uploadWrites } from './uploads/uploads.ts';
import { verdictStore } from './verdicts/verdict-store.ts';

/**
 * Opens the catalog at `sqlite:<path>` or `postgres://…`; loads only that database's driver.
 * @throws AssetError CONFIG_INVALID for another kind of URL; what the database says of itself otherwise
 */
export async function openCatalog(url: string, options: OpenCatalogOptions): Promise<Catalog> {
  const database = await openDatabase(url, options);
  try {
    return await catalogOn(database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function openDatabase(url: string, options: OpenCatalogOptions): Promise<Database> {
  if (url.startsWith('sqlite:')) {
    const { openSqlite } = await import('./sqlite/open.ts');
    return openSqlite(url, options);
  }
  if (/^postgres(ql)?:/.test(url)) {
    const { openPostgres } = await import('./postgres/open.ts');
    return openPostgres(url, options);
  }
  throw new AssetError('CONFIG_INVALID', 'the database URL is neither sqlite:<path> nor postgres://…', {
    hint: 'Write --database sqlite:./assets.db or --database postgres://user@host/name.',
  });
}

async function catalogOn(database: Database): Promise<Catalog> {
  const catalogId = await readCatalogId(database);
  return {
    kind: database.kind,
    catalogId,
    assets: assetReads(database),
    uploads: uploadWrites(database),
    deletes: deleteWrites(database),
    lifecycle: lifecycleWrites(database),
    purge: assetPurge(database),
    leftovers: leftovers(database),
    moves: moveWrites(database),
    migrations: migrationRuns(database),
    verdicts: verdictStore(database),
    inventory: inventory(database),
    statistics: statistics(database),
    audit: auditLog(database),
    tokens: tokens(database),
    backends: backendRegistry(database),
    maintenance: catalogMaintenance(database, catalogId),
    close: () => database.close(),
  };
}

async function readCatalogId(database: Database): Promise<string> {
  const row = await database.read(({ db }) => db.selectFrom('catalog').select('id').executeTakeFirst());
  if (row !== undefined) return row.id;
  throw new AssetError('DATABASE_UNUSABLE', `the database ${database.location} has no catalog id`, {
    hint: 'It was not made by asset-cli as it is; restore a backup into a new database.',
  });
}
