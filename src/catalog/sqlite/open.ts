import { resolve } from 'node:path';
import type { OpenCatalogOptions } from '../catalog.ts';
import type { Database } from '../database.ts';
import { retryWhile } from '../retry.ts';
import { sqliteDatabase } from './database.ts';
import { isBusy, toAssetError } from './errors.ts';
import { openFile } from './file.ts';
import { ensureSchema } from './schema.ts';

/**
 * Opens `sqlite:<path>` (or `sqlite::memory:`) and brings its schema up to date.
 * @throws AssetError DATABASE_UNUSABLE, DATABASE_LOCKED, DATABASE_CORRUPT, SCHEMA_NEWER, READ_ONLY, DISK_FULL
 */
export async function openSqlite(url: string, options: OpenCatalogOptions): Promise<Database> {
  const name = url.slice('sqlite:'.length);
  const path = name === ':memory:' ? name : resolve(name);
  try {
    const file = await openFile(path, { lockTimeout: options.lockTimeout, readOnly: options.readOnly === true });
    const mayMigrate = file.inMemory || (options.migrate === 'auto' && !file.readOnly);
    try {
      await retryWhile(() => ensureSchema(file.connection, path, mayMigrate), isBusy, options.lockTimeout);
    } catch (error) {
      file.connection.close();
      throw error;
    }
    return sqliteDatabase(file.connection, path, options.lockTimeout);
  } catch (error) {
    throw toAssetError(error, path);
  }
}
