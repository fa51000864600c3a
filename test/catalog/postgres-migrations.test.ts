import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/open.ts';
import { POSTGRES_MIGRATIONS } from '../../src/catalog/postgres/migrations.ts';
import { freshOrganization, person, storeAssets } from '../support/catalog-uploads.ts';
import { postgresDatabases, runSql } from '../support/postgres-databases.ts';
import { describeWithService } from '../support/services/index.ts';

const OPTIONS = { lockTimeout: 10_000, migrate: 'auto' } as const;
const LATER = POSTGRES_MIGRATIONS.filter(({ indexes }) => indexes !== undefined);
const REPLACED = LATER.flatMap(({ replaced }) => replaced ?? []);
const INDEXES = LATER.flatMap(({ indexes }) => Object.keys(indexes ?? {})).filter((name) => !REPLACED.includes(name));

await describeWithService('postgres', 'indexes for a PostgreSQL catalog in use', ({ url: adminUrl }) => {
  const databases = postgresDatabases(adminUrl);
  afterAll(() => databases.dropAll());
  let url = '';

  /** As a program left it that knew none of the indexes. */
  beforeEach(async () => {
    url = await databases.create();
    const catalog = await openCatalog(url, OPTIONS);
    await storeAssets(catalog, person(freshOrganization()), [{ tags: { a: 'b' } }, {}]);
    await catalog.close();
    await runSql(url, INDEXES.map((name) => `drop index ${name};`).join(' '));
    await runSql(url, 'create index assets_by_created on assets (organization_id, created_at, id)');
    const versions = LATER.map(({ version }) => version).join(', ');
    await runSql(url, `delete from schema_migrations where version in (${versions})`);
  });

  const migrate = async () => (await openCatalog(url, OPTIONS)).close();
  const expectIndexes = async () => {
    const rows = await runSql(url, 'select indexrelid::regclass::text as name from pg_index where indisvalid');
    const isLater = (name: string) => name.includes('_all') || INDEXES.includes(name) || REPLACED.includes(name);
    expect(
      rows
        .map((row) => String(row['name']))
        .filter(isLater)
        .sort(),
    ).toEqual(INDEXES.toSorted());
    const versions = await runSql(url, 'select version from schema_migrations order by version');
    expect(versions.map((row) => row['version'])).toEqual(POSTGRES_MIGRATIONS.map(({ version }) => version));
  };

  it('are made once by many that start together', async () => {
    await Promise.all(Array.from({ length: 8 }, migrate));
    await expectIndexes();
  });

  it('are made while others write', async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('begin; update assets set download_count = 1');
    const migrated = migrate();
    await waitForIndexes(url);
    const other = new pg.Client({ connectionString: url, lock_timeout: 2000 });
    await other.connect();
    const written = await other.query('update assets set download_count = 2 where false').catch(String);
    await Promise.all([client.query('commit'), migrated]);
    await Promise.all([client.end(), other.end()]);
    expect(written).toMatchObject({ command: 'UPDATE' });
    await expectIndexes();
  });

  it('are made anew where an earlier attempt was broken off', async () => {
    const [first = ''] = INDEXES;
    const [definition] = LATER.flatMap(({ indexes }) => Object.values(indexes ?? {}));
    await runSql(url, `create index ${first} ${definition}`);
    await runSql(url, `update pg_index set indisvalid = false where indexrelid = '${first}'::regclass`);
    await migrate();
    await expectIndexes();
  });
});

/** Until the making of an index waits for the transaction that is open. */
async function waitForIndexes(url: string): Promise<void> {
  for (;;) {
    const waiting = await runSql(
      url,
      "select 1 from pg_stat_activity where datname = current_database() and query ilike 'create index%' and wait_event_type = 'Lock'",
    );
    if (waiting.length > 0) return;
    await sleep(20);
  }
}
