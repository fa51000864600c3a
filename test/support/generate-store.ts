import { closeSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type Database from 'better-sqlite3';
import { generateCatalog } from './generate-catalog.ts';
import { Sqlite } from './sqlite-driver.ts';

export interface StorePlan {
  /** Of the generated catalog; nine of ten have bytes of their own. */
  assets: number;
  /** When every asset expires, ISO 8601; absent: as the catalog has it. */
  expireAll?: string;
}

/**
 * Fills `folder` with a generated catalog (`assets.db`) and a LOCAL store (`storage/`) that holds an empty file for
 * each of its objects. Gives the number of files.
 */
export async function generateStore(folder: string, plan: StorePlan): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'assets.db');
  await generateCatalog(file, { assets: plan.assets });
  const database = new Sqlite(file);
  database.pragma('synchronous = OFF');
  database.exec("UPDATE objects SET backend = 'local', stored_size = 0");
  database.exec("UPDATE assets SET backend = 'local', trashed_at = NULL, quarantined_at = NULL, damaged_at = NULL");
  if (plan.expireAll !== undefined) database.prepare('UPDATE assets SET expires_at = ?').run(plan.expireAll);
  const storage = join(folder, 'storage');
  mkdirSync(storage, { recursive: true });
  writeMarker(database, storage);
  const count = writeFiles(database, storage);
  database.close();
  return count;
}

function writeMarker(database: Database.Database, storage: string): void {
  const catalogId = database.prepare<[], string>('SELECT id FROM catalog').pluck().get();
  const backendId = database.prepare<[], string>("SELECT backend_id FROM backends WHERE name = 'local'").pluck().get();
  database.exec("DELETE FROM backends WHERE name <> 'local'");
  writeFileSync(join(storage, '.asset-cli.json'), `${JSON.stringify({ catalogId, backendId, format: 1 })}\n`);
}

function writeFiles(database: Database.Database, storage: string): number {
  const objects = database
    .prepare<[], { id: string; path: string }>('SELECT id, storage_path AS path FROM objects ORDER BY storage_path')
    .all();
  const note = database.prepare('UPDATE objects SET etag = ? WHERE id = ?');
  database.transaction(() => {
    let directory = '';
    for (const { id, path } of objects) {
      const target = join(storage, path);
      if (dirname(target) !== directory) {
        directory = dirname(target);
        mkdirSync(directory, { recursive: true, mode: 0o700 });
      }
      closeSync(openSync(target, 'w', 0o600));
      note.run(`0-${statSync(target, { bigint: true }).mtimeNs}`, id);
    }
  })();
  return objects.length;
}
