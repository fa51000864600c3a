import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checksumOf, type Migration } from '../../src/catalog/migrations/migration.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { POSTGRES_MIGRATIONS } from '../../src/catalog/postgres/migrations.ts';
import { SQLITE_MIGRATIONS } from '../../src/catalog/sqlite/migrations.ts';
import { hashOf, person, storeAssets } from '../support/catalog-uploads.ts';
import { postgresDatabases, runSql } from '../support/postgres-databases.ts';
import { describeWithService } from '../support/services/index.ts';
import { Sqlite } from '../support/sqlite-driver.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const AVATAR = '1:512x512:keep:q82';
const TIME = '2030-01-02T03:04:05.678Z';
const id = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** In words that both databases read. */
const CATALOG = `insert into catalog (id, created_at) values ('${id(0)}', '${TIME}');`;

function stepsUpTo(migrations: readonly Migration[], version: number): string {
  const taken = migrations.filter((migration) => migration.version <= version);
  const records = taken.map(
    (step) =>
      `insert into schema_migrations (version, name, checksum, applied_at)
       values (${step.version}, '${step.name}', '${checksumOf(step)}', '${TIME}');`,
  );
  return [...taken.map(({ sql }) => sql), ...records, CATALOG].join('\n');
}

interface OldObject {
  content: string;
  original: string | null;
  state?: string;
  isPublic?: boolean;
  organization?: string;
}

/** An object as it was while it knew what it had been made of, with an asset on it if it is STORED. */
function oldObject(
  { content, original, state = 'STORED', isPublic = false, organization = 'acme' }: OldObject,
  number: number,
): string {
  const made = original === null ? 'null, null' : `'${hashOf(original)}', '${AVATAR}'`;
  const path = `${isPublic ? 'public/' : ''}${organization}/${number}.jpg`;
  const object = `insert into objects (id, organization_id, backend, storage_provider, storage_path, size, sha256, stored_size,
      etag, is_public, state, retain_until, original_sha256, profile, created_at, updated_at)
    values ('${id(number)}', '${organization}', 'local', 'LOCAL', '${path}', 5, '${hashOf(content)}', 5,
      'etag', ${isPublic}, '${state}', '${TIME}', ${made}, '${TIME}', '${TIME}');`;
  if (state !== 'STORED') return object;
  return `${object}
    insert into assets (id, object_id, filename, original_filename, file_size, mime_type, file_hash, asset_type,
      storage_provider, backend, storage_path, organization_id, is_public, is_processed, virus_scan_status, created_at, updated_at)
    values ('${id(number)}', '${id(number)}', '${number}.jpg', 'me.jpg', 5, 'image/jpeg', '${hashOf(content)}', 'USER_AVATAR',
      'LOCAL', 'local', '${path}', '${organization}', ${isPublic}, true, 'PENDING', '${TIME}', '${TIME}');`;
}

const OLD_OBJECTS = [
  { content: 'small', original: 'one' },
  { content: 'small', original: 'two', isPublic: true },
  { content: 'small', original: 'one', isPublic: true },
  { content: 'plain', original: 'plain' },
  { content: 'text', original: null },
  { content: 'gone', original: 'gone', state: 'RETAINED' },
  { content: 'other', original: 'one', organization: 'globex' },
]
  .map((object, index) => oldObject(object, index + 1))
  .join('\n');

/** Brings a catalog of that time up to date by opening it. */
async function expectUpgraded(url: string, query: (statement: string) => Promise<Record<string, unknown>[]>) {
  const catalog = await openCatalog(url, { lockTimeout: 5000, migrate: 'auto' });
  await catalog.maintenance.check();
  const { schemaVersion, newestVersion, originals, assets } = await catalog.maintenance.status();
  expect([schemaVersion, originals, assets.active]).toEqual([newestVersion, 4, 6]);
  const known = (original: string, organization = 'acme') =>
    catalog.assets.knownResult(organization, 'local', { sha256: hashOf(original), profile: AVATAR });
  const small = { kind: 'stored', mimeType: 'image/jpeg', object: { id: id(1), sha256: hashOf('small') } };
  expect([await known('one'), await known('two')]).toMatchObject([small, small]);
  expect(await known('one', 'globex')).toMatchObject({ object: { sha256: hashOf('other') } });
  expect(await known('plain')).toEqual({ kind: 'as-it-came' });
  expect([await known('gone'), await known('plain', 'globex')]).toEqual([undefined, undefined]);
  expect(await storeAssets(catalog, person('acme'), [{ content: 'new' }])).toHaveLength(1);
  await catalog.close();
  const [object] = await query('select * from objects limit 1');
  expect(Object.keys(object ?? {})).not.toContain('original_sha256');
}

describe('a catalog of which objects knew their original', () => {
  it('keeps that knowledge when it is brought up to date: SQLite', async () => {
    const path = join(await temporaryDirectory(), 'assets.db');
    const connection = new Sqlite(path);
    connection.exec(stepsUpTo(SQLITE_MIGRATIONS, 7));
    connection.pragma(`application_id = ${0x61736374}`);
    connection.pragma('user_version = 7');
    connection.exec(OLD_OBJECTS);
    await expectUpgraded(`sqlite:${path}`, async (statement) =>
      connection.prepare<[], Record<string, unknown>>(statement).all(),
    );
    connection.close();
  });
});

await describeWithService('postgres', 'a catalog of which objects knew their original', ({ url: adminUrl }) => {
  const databases = postgresDatabases(adminUrl);
  afterAll(() => databases.dropAll());

  it('keeps that knowledge when it is brought up to date: PostgreSQL', async () => {
    const url = await databases.create();
    await runSql(url, stepsUpTo(POSTGRES_MIGRATIONS, 10));
    await runSql(url, OLD_OBJECTS);
    await expectUpgraded(url, (statement) => runSql(url, statement));
  });
});
