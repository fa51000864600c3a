import { rm } from 'node:fs/promises';
import type Database from 'better-sqlite3';
import { openCatalog } from '../../src/catalog/open.ts';
import { Sqlite } from './sqlite-driver.ts';

export interface CatalogPlan {
  assets: number;
  /** Owns nine of ten assets; the rest belongs to fifty others. */
  organization?: string;
  /** When the newest asset was created; the oldest is three years older. */
  until?: Date;
}

/** A thing that every list of the generated catalog has, however large it is. */
export const GENERATED = { project: 'project-7', user: 'user-7', tag: 'branch=feature-7' } as const;

const THREE_YEARS = 3 * 365 * 86_400;

/**
 * Fills a new SQLite catalog at `file` with assets as years of use would leave them: a few types that are
 * common and some that are rare, one in ten on the bytes of another, some tagged, public, trashed, expired,
 * quarantined or damaged; each with its upload in the audit trail. The same plan gives the same rows.
 * A million assets take about a minute.
 */
export async function generateCatalog(file: string, plan: CatalogPlan): Promise<void> {
  await rm(file, { force: true });
  const catalog = await openCatalog(`sqlite:${file}`, { lockTimeout: 10_000, migrate: 'auto' });
  await catalog.close();
  const database = new Sqlite(file);
  try {
    fill(database, plan);
  } finally {
    database.close();
  }
}

function fill(database: Database.Database, plan: CatalogPlan): void {
  database.pragma('journal_mode = MEMORY');
  database.pragma('synchronous = OFF');
  database.pragma('foreign_keys = OFF');
  database.pragma('cache_size = -500000');
  const indexes = database
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    )
    .all();
  for (const { name } of indexes) database.exec(`DROP INDEX "${name}"`);
  const until = Math.floor((plan.until ?? new Date()).getTime() / 1000);
  const parameters = { assets: plan.assets, organization: plan.organization ?? 'default', until };
  database.transaction(() => {
    for (const statement of [PLAN, ...STATEMENTS]) database.prepare(statement).run(parameters);
  })();
  for (const { sql } of indexes) database.exec(sql);
  database.exec('DROP TABLE plan');
  database.pragma('journal_mode = WAL');
}

/** Spreads a number over 32 bits, differently for each k; one to one for each k, so that ids never clash. */
const mix = (of: string, k: number) => `((${of} * 2654435761 + ${k} * 40503) & 4294967295)`;
/** 0 to 9999, as good as independent for each k. */
const dice = (of: string, k: number) => `((${mix(of, k)} * 2246822519 >> 13) % 10000)`;
const uuid = (of: string, k: number) =>
  `printf('%08x-%04x-4%03x-a%03x-%04x%08x', ${mix(of, k)}, ${dice(of, k + 1)}, ${dice(of, k + 2)} & 4095, ${dice(of, k + 3)} & 4095, ${k}, ${of})`;
const sha256 = (of: string) =>
  `printf('${'%08x'.repeat(8)}', ${Array.from({ length: 8 }, (_, k) => mix(of, k + 20)).join(', ')})`;
const time = (seconds: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${seconds}, 'unixepoch')`;
const typeOf = (of: string) => {
  const roll = dice(of, 2);
  return `CASE WHEN ${roll} < 4000 THEN 'SEO_REPORT' WHEN ${roll} < 6500 THEN 'DOCUMENT_UPLOAD' WHEN ${roll} < 8000 THEN 'EXPORT_FILE'
    WHEN ${roll} < 9000 THEN 'CONTENT_BRIEF' WHEN ${roll} < 9500 THEN 'USER_AVATAR' WHEN ${roll} < 9800 THEN 'LLM_TXT'
    WHEN ${roll} < 9990 THEN 'EMAIL_ATTACHMENT' ELSE 'BACKUP_FILE' END`;
};
const extensionOf = (type: string) =>
  `CASE ${type} WHEN 'SEO_REPORT' THEN '.pdf' WHEN 'EXPORT_FILE' THEN '.csv' WHEN 'USER_AVATAR' THEN '.png' ELSE '.txt' END`;
const isPublic = (of: string) => `(${dice(of, 1)} < 200)`;
const createdAt = (of: string) => `(@until - ${THREE_YEARS} + CAST(${of} * ${THREE_YEARS}.0 / @assets AS INTEGER))`;

/** One row an asset; `owner` is the asset whose object it lies on, itself as a rule. */
const PLAN = `
CREATE TEMP TABLE plan AS
WITH RECURSIVE
  numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < @assets),
  owners AS (SELECT i, i - (i % 10 = 0 AND NOT ${isPublic('(i - 1)')}) AS owner FROM numbers),
  contents AS (SELECT i, owner,
    iif(${dice('owner', 3)} < 9000, @organization, 'org-' || (owner % 50)) AS organization,
    iif(${dice('owner', 4)} < 9500, 'local', 'archive') AS backend,
    ${typeOf('i')} AS type, ${typeOf('owner')} AS first_type,
    ${isPublic('owner')} AS public, ${createdAt('i')} AS created, ${createdAt('owner')} AS first_created,
    (100 << (${dice('owner', 5)} % 18)) + ${dice('owner', 6)} % 100 AS size, ${sha256('owner')} AS sha,
    CASE WHEN ${dice('owner', 7)} < 9000 THEN 'PENDING' WHEN ${dice('owner', 7)} < 9998 THEN 'CLEAN' ELSE 'INFECTED' END AS verdict
    FROM owners)
SELECT *, ${uuid('i', 30)} AS id, ${uuid('owner', 40)} AS object_id, ${extensionOf('type')} AS extension,
  ${uuid('owner', 50)} || ${extensionOf('first_type')} AS filename,
  iif(${dice('i', 8)} < 3000, ${time(`created + 86400 * (30 + ${dice('i', 9)} % 1500)`)}, NULL) AS expires,
  iif(${dice('i', 10)} < 100, ${time('created + 3600')}, NULL) AS trashed,
  iif(${dice('i', 11)} < 2, ${time('created + 7200')}, NULL) AS damaged,
  iif(${dice('i', 12)} < 9000, 'project-' || (${dice('i', 13)} % 200), NULL) AS project,
  iif(${dice('i', 14)} < 9500, 'user-' || (${dice('i', 15)} % 100), NULL) AS user,
  CASE WHEN ${dice('i', 16)} < 2000 THEN json_object('branch', 'feature-' || (${dice('i', 17)} % 500), 'stage', 'test') ELSE '{}' END AS tags
FROM contents`;

const PATH = `iif(public, 'public/', '') || organization || '/' || lower(first_type)
  || strftime('/%Y/%m/%d/', first_created, 'unixepoch') || filename`;
const MIME_TYPE = `CASE extension WHEN '.pdf' THEN 'application/pdf' WHEN '.csv' THEN 'text/csv' WHEN '.png' THEN 'image/png'
  ELSE 'text/plain' END`;

const STATEMENTS = [
  `INSERT INTO backends (name, backend_id, storage_provider, marked_at, created_at)
   SELECT column1, column2, 'LOCAL', ${time('@until')}, ${time('@until')} FROM (VALUES
     ('local', '00000000-0000-4000-8000-000000000001'), ('archive', '00000000-0000-4000-8000-000000000002'))`,
  `INSERT INTO content_verdicts (organization_id, sha256, status, created_at, updated_at)
   SELECT organization, sha, verdict, ${time('created')}, ${time('created')} FROM plan WHERE owner = i`,
  `INSERT INTO objects (id, organization_id, backend, storage_provider, storage_path, size, sha256, stored_size, stored_sha256,
     etag, is_public, state, created_at, updated_at)
   SELECT object_id, organization, backend, 'LOCAL', ${PATH}, size, sha, size, sha, size || '-' || created, public, 'STORED',
     ${time('created')}, ${time('created')} FROM plan WHERE owner = i`,
  `INSERT INTO assets (id, object_id, filename, original_filename, file_size, mime_type, file_hash, asset_type, storage_provider,
     backend, storage_path, user_id, organization_id, project_id, is_public, is_processed, virus_scan_status, expires_at,
     created_at, updated_at, tags, trashed_at, quarantined_at, damaged_at)
   SELECT id, object_id, filename, printf('%s-%07d%s', lower(type), i, extension), size, ${MIME_TYPE}, sha, type, 'LOCAL',
     backend, ${PATH}, user, organization, project, public, 1, verdict, expires, ${time('created')}, ${time('created')}, tags,
     trashed, iif(verdict = 'INFECTED', ${time('created + 60')}, NULL), damaged FROM plan`,
  `INSERT INTO asset_tags (asset_id, organization_id, name, value, created_at)
   SELECT plan.id, organization, key, value, ${time('created')} FROM plan, json_each(plan.tags) WHERE tags <> '{}'`,
  `INSERT INTO audit_events (id, time, actor, organization_id, action, asset_id, asset_user_id, outcome, host, correlation_id, details)
   SELECT ${uuid('i', 60)}, ${time('created')}, user, organization, 'uploaded', id, user, 'success', 'host-' || (i % 3),
     ${uuid('(i / 100)', 70)}, json_object('backend', backend, 'bytes', size) FROM plan`,
];
