import type { OpenCatalogOptions } from '../catalog.ts';
import type { Database } from '../database.ts';
import { retryWhile } from '../retry.ts';
import { type Connections, openConnections } from './connections.ts';
import { postgresDatabase } from './database.ts';
import { isConflict, isStartingOrFull, toAssetError, toConnectError } from './errors.ts';
import type { PoolTimes } from './pool.ts';
import { ensurePostgresSchema } from './schema.ts';
import { type PostgresSettings, postgresSettings } from './settings.ts';

const DEADLINE = 60_000;
const SHORTEST_PATIENCE = 2000;
/** So that a lock is told as a lock, and a slow statement by the server itself. */
const FOR_ANOTHER_TO_SPEAK_FIRST = 500;

/**
 * Opens `postgres://…` and brings its schema up to date.
 * @throws AssetError CONFIG_INVALID, CREDENTIALS_REFUSED, UNAVAILABLE, DATABASE_UNUSABLE, SCHEMA_NEWER, DATABASE_FORBIDDEN
 */
export async function openPostgres(url: string, options: OpenCatalogOptions): Promise<Database> {
  const settings = postgresSettings(url, options.environment ?? {});
  const { lockTimeout, deadline = DEADLINE } = options;
  const patience = Math.max(SHORTEST_PATIENCE, lockTimeout, deadline);
  const statement = patience + FOR_ANOTHER_TO_SPEAK_FIRST;
  const poolTimes = {
    connect: Math.min(settings.connectTimeoutMilliseconds, patience),
    query: statement + FOR_ANOTHER_TO_SPEAK_FIRST,
  };
  const end = performance.now() + lockTimeout;
  const timeLeft = () => Math.max(0, end - performance.now());
  const { location } = settings;
  const opened = await connect(settings, poolTimes, timeLeft());
  try {
    const mayMigrate = options.migrate === 'auto';
    await retryWhile(
      () => ensurePostgresSchema(opened, location, { mayMigrate, lockTimeout: timeLeft() }),
      isTransientAtOpening,
      timeLeft(),
    );
  } catch (error) {
    await opened.close();
    throw toAssetError(error, location);
  }
  return postgresDatabase(opened, location, { lockTimeout, deadline, statement });
}

async function connect(settings: PostgresSettings, times: PoolTimes, wait: number): Promise<Connections> {
  try {
    return await retryWhile(() => openConnections(settings, times), isTransientAtOpening, wait);
  } catch (error) {
    throw toConnectError(error, settings.location);
  }
}

/** A server that starts, or has no connection left at the moment; one that is not there is reported at once. */
function isTransientAtOpening(error: unknown): boolean {
  return isConflict(error) || isStartingOrFull(error);
}
