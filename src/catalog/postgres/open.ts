import type { Pool } from 'pg';
import type { OpenCatalogOptions } from '../catalog.ts';
import type { Database } from '../database.ts';
import { retryWhile } from '../retry.ts';
import { postgresDatabase } from './database.ts';
import { codeOf, isConflict, toAssetError } from './errors.ts';
import { connectPool } from './pool.ts';
import { ensurePostgresSchema } from './schema.ts';
import { postgresSettings } from './settings.ts';

const DEADLINE = 60_000;
const STARTING_OR_FULL = ['57P03', '53300'];

/**
 * Opens `postgres://…` and brings its schema up to date.
 * @throws AssetError CONFIG_INVALID, CREDENTIALS_REFUSED, UNAVAILABLE, DATABASE_UNUSABLE, SCHEMA_NEWER, NOT_PERMITTED
 */
export async function openPostgres(url: string, options: OpenCatalogOptions): Promise<Database> {
  const settings = postgresSettings(url, options.environment ?? {});
  let pool: Pool | undefined;
  try {
    pool = await retryWhile(() => connectPool(settings), isTransientAtOpening, options.lockTimeout);
    const opened = pool;
    const mayMigrate = options.migrate === 'auto';
    await retryWhile(
      () => ensurePostgresSchema(opened, settings.location, mayMigrate),
      isTransientAtOpening,
      options.lockTimeout,
    );
  } catch (error) {
    await pool?.end();
    throw toAssetError(error, settings.location);
  }
  return postgresDatabase(pool, settings.location, {
    lockTimeout: options.lockTimeout,
    deadline: options.deadline ?? DEADLINE,
  });
}

/** A server that starts, or has no connection left at the moment; one that is not there is reported at once. */
function isTransientAtOpening(error: unknown): boolean {
  return isConflict(error) || STARTING_OR_FULL.includes(codeOf(error));
}
