import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import Database from 'better-sqlite3';

export interface Judgement {
  /** What must never be: an asset without its exact bytes, bytes that nobody knows of. */
  faults: string[];
  assets: number;
  /** PENDING and DELETING rows: on their way out, each with a lease. */
  leftovers: number;
}

interface ObjectRow {
  storage_path: string;
  state: string;
  sha256: string;
  lease_expires_at: string | null;
}

/**
 * Compares a SQLite catalog and a LOCAL store by itself, without the project's own code: what is
 * judged must not be its own judge.
 */
export function judge(databaseFile: string, storage: string): Judgement {
  if (!existsSync(databaseFile)) return { faults: filesBelow(storage), assets: 0, leftovers: 0 };
  const database = new Database(databaseFile);
  try {
    return compare(database, storage);
  } finally {
    database.close();
  }
}

function compare(database: Database.Database, storage: string): Judgement {
  const hasTables = database.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'objects'`).get() !== undefined;
  if (!hasTables) return { faults: filesBelow(storage), assets: 0, leftovers: 0 };
  const assets = database
    .prepare<[], { id: string; file_hash: string; storage_path: string; object_state: string | null }>(
      `SELECT a.id, a.file_hash, a.storage_path, o.state AS object_state FROM assets a LEFT JOIN objects o
       ON o.id = a.object_id AND o.storage_path = a.storage_path`,
    )
    .all();
  const objects = database
    .prepare<[], ObjectRow>('SELECT storage_path, state, sha256, lease_expires_at FROM objects')
    .all();
  const faults: string[] = [];
  for (const asset of assets) {
    if (asset.object_state !== 'STORED') faults.push(`asset ${asset.id}: its object is ${asset.object_state}`);
    else if (hashOf(join(storage, asset.storage_path)) !== asset.file_hash)
      faults.push(`asset ${asset.id}: wrong bytes`);
  }
  const known = new Set(objects.map((object) => object.storage_path));
  for (const file of filesBelow(storage)) if (!known.has(file)) faults.push(`${file}: bytes that nobody knows of`);
  const leftovers = objects.filter((object) => object.state === 'PENDING' || object.state === 'DELETING');
  for (const leftover of leftovers) {
    if (leftover.lease_expires_at === null) faults.push(`${leftover.storage_path}: ${leftover.state} without a lease`);
  }
  const created = database.prepare(
    `SELECT count(*) FROM audit_events WHERE action = 'uploaded' AND outcome = 'success'`,
  );
  const deleted = database.prepare(
    `SELECT count(*) FROM audit_events WHERE action = 'deleted' AND outcome = 'success'`,
  );
  const expected = Number(created.pluck().get()) - Number(deleted.pluck().get());
  if (expected !== assets.length)
    faults.push(`the audit trail speaks of ${expected} assets, there are ${assets.length}`);
  return { faults, assets: assets.length, leftovers: leftovers.length };
}

function hashOf(path: string): string {
  if (!existsSync(path)) return 'missing';
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Without the marker, and without temporary files, which LOCAL itself lists as abandoned. */
function filesBelow(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.asset-cli'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
