import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Sqlite } from './sqlite-driver.ts';

/*
 * Compares a catalog and a store by itself, without the project's own code: what is judged must not be its own judge.
 */

export interface Judgement {
  /** What must never be: an asset without its exact bytes, bytes that nobody knows of. */
  faults: string[];
  assets: number;
  /** PENDING and DELETING rows: on their way out, each with a lease. */
  leftovers: number;
}

/** What plain SQL says of a catalog, from any database. */
export interface CatalogFacts {
  assets: {
    id: string;
    file_hash: string;
    storage_path: string;
    object_state: string | null;
    encoding: string | null;
  }[];
  objects: { storage_path: string; state: string; lease_expires_at: unknown }[];
  /** Successful ones, an asset id each. */
  uploaded: string[];
  deleted: string[];
}

/** The bytes of a store, without its marker. */
export interface StoreFacts {
  keys: string[];
  /** undefined: there are none. */
  read(key: string): Promise<Buffer | undefined> | Buffer | undefined;
}

export const FACT_QUERIES = {
  assets: `SELECT a.id, a.file_hash, a.storage_path, o.state AS object_state, o.content_encoding AS encoding
    FROM assets a LEFT JOIN objects o ON o.id = a.object_id AND o.storage_path = a.storage_path`,
  objects: 'SELECT storage_path, state, lease_expires_at FROM objects',
  uploaded: `SELECT asset_id AS id FROM audit_events WHERE action = 'uploaded' AND outcome = 'success'`,
  deleted: `SELECT asset_id AS id FROM audit_events WHERE action = 'deleted' AND outcome = 'success'`,
} as const;

/** A SQLite catalog and a LOCAL store. */
export async function judge(databaseFile: string, storage: string): Promise<Judgement> {
  return compareFacts(sqliteFacts(databaseFile), localFacts(storage));
}

export async function compareFacts(catalog: CatalogFacts, store: StoreFacts): Promise<Judgement> {
  const faults: string[] = [];
  for (const asset of catalog.assets) {
    if (asset.object_state !== 'STORED') faults.push(`asset ${asset.id}: its object is ${asset.object_state}`);
    else if ((await contentHash(store, asset)) !== asset.file_hash) faults.push(`asset ${asset.id}: wrong bytes`);
  }
  const known = new Set(catalog.objects.map((object) => object.storage_path));
  for (const key of store.keys) if (!known.has(key)) faults.push(`${key}: bytes that nobody knows of`);
  const leftovers = catalog.objects.filter(({ state }) => state === 'PENDING' || state === 'DELETING');
  for (const leftover of leftovers) {
    if (leftover.lease_expires_at === null) faults.push(`${leftover.storage_path}: ${leftover.state} without a lease`);
  }
  faults.push(...trailFaults(catalog));
  return { faults, assets: catalog.assets.length, leftovers: leftovers.length };
}

/** Each asset has one 'uploaded', and exactly one 'deleted' if it went. */
function trailFaults({ assets, uploaded, deleted }: CatalogFacts): string[] {
  const faults: string[] = [];
  const there = new Set(assets.map(({ id }) => id));
  const gone = new Set(deleted);
  if (gone.size !== deleted.length) faults.push(`${deleted.length - gone.size} assets were deleted twice`);
  if (new Set(uploaded).size !== uploaded.length) faults.push('an asset was uploaded twice');
  for (const id of uploaded) {
    if (there.has(id) === gone.has(id)) faults.push(`asset ${id}: ${gone.has(id) ? 'deleted, but there' : 'vanished'}`);
  }
  for (const id of there) if (!uploaded.includes(id)) faults.push(`asset ${id}: there, but never uploaded`);
  return faults;
}

async function contentHash(store: StoreFacts, asset: CatalogFacts['assets'][number]): Promise<string> {
  const bytes = await store.read(asset.storage_path);
  if (bytes === undefined) return 'missing';
  const content = asset.encoding === 'gzip' ? gunzipSync(bytes) : bytes;
  return createHash('sha256').update(content).digest('hex');
}

const EMPTY: CatalogFacts = { assets: [], objects: [], uploaded: [], deleted: [] };

function sqliteFacts(file: string): CatalogFacts {
  if (!existsSync(file)) return EMPTY;
  const database = new Sqlite(file);
  try {
    if (database.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'objects'`).get() === undefined) return EMPTY;
    const ids = (statement: string) => database.prepare<[], string>(statement).pluck().all();
    return database.transaction(() => ({
      assets: database.prepare<[], CatalogFacts['assets'][number]>(FACT_QUERIES.assets).all(),
      objects: database.prepare<[], CatalogFacts['objects'][number]>(FACT_QUERIES.objects).all(),
      uploaded: ids(FACT_QUERIES.uploaded),
      deleted: ids(FACT_QUERIES.deleted),
    }))();
  } finally {
    database.close();
  }
}

/** Without the marker, and without temporary files, which LOCAL itself lists as abandoned. */
export function localFacts(root: string): StoreFacts {
  const entries = existsSync(root) ? readdirSync(root, { recursive: true, withFileTypes: true }) : [];
  const keys = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.asset-cli'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  return { keys, read: (key) => (existsSync(join(root, key)) ? readFileSync(join(root, key)) : undefined) };
}
