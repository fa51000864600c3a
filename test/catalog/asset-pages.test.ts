import { afterAll, beforeAll, describe } from 'vitest';
import { assetPage } from '../../src/catalog/assets/asset-pages.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { Database, Reach } from '../../src/catalog/database.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { openPostgres } from '../../src/catalog/postgres/open.ts';
import { openSqlite } from '../../src/catalog/sqlite/open.ts';
import type { CatalogSuite } from '../conformance/catalog.ts';
import { describeFilters } from '../conformance/catalog-filters.ts';
import { describeLists } from '../conformance/catalog-lists.ts';
import { describeOrganizations } from '../conformance/catalog-organizations.ts';
import { postgresDatabases, runSql } from '../support/postgres-databases.ts';
import { describeWithService } from '../support/services/index.ts';
import { querySqlite, temporaryDatabase } from '../support/sqlite-databases.ts';

const OPTIONS = { lockTimeout: 5000, migrate: 'auto' } as const;

const alike = (sparse: number) => ({ size: sparse, expiry: sparse, name: sparse });

// With a few assets every list is short; so short a reach makes them long.
const REACHES: readonly Reach[] = [
  { window: undefined, walk: 3, aside: 2, scan: 4, sort: 1 },
  { window: { glance: 3, sparse: alike(1) }, walk: 3, aside: 2, scan: 4, sort: 1 },
  { window: { glance: 10, sparse: alike(5) }, walk: 3, aside: 2, scan: 4, sort: 1 },
  { window: { glance: 1, sparse: alike(1e9) }, walk: 1, aside: 1, scan: 1, sort: 0 },
  { window: { glance: 5, sparse: alike(0) }, walk: 20, aside: 10, scan: 30, sort: 8 },
];

function describePages(suite: CatalogSuite, open: (url: string) => Promise<Database>): void {
  describe.each(REACHES)('lists that walk %o', (reach) => {
    let url = '';
    let catalog: Catalog;
    let database: Database;

    beforeAll(async () => {
      url = await suite.freshUrl();
      const opened = await openCatalog(url, OPTIONS);
      database = await open(url);
      const page: Catalog['assets']['page'] = (scope, query) =>
        database.read((session) => assetPage({ ...session, dialect: { ...session.dialect, reach } }, scope, query));
      catalog = { ...opened, assets: { ...opened.assets, page } };
    });
    afterAll(async () => {
      await database?.close();
      await catalog?.close();
    });

    const context = { ...suite, catalog: () => catalog, url: () => url };
    describeLists(context);
    describeFilters(context);
    describeOrganizations(context);
  });
}

describe('SQLite', () => {
  const files: ReturnType<typeof temporaryDatabase>[] = [];
  afterAll(() => {
    for (const file of files) file.remove();
  });
  const freshUrl = async () => {
    const file = temporaryDatabase();
    files.push(file);
    return file.url;
  };
  describePages({ freshUrl, query: querySqlite }, (url) => openSqlite(url, OPTIONS));
});

await describeWithService('postgres', 'PostgreSQL', ({ url: adminUrl }) => {
  const databases = postgresDatabases(adminUrl);
  afterAll(() => databases.dropAll());
  describePages({ freshUrl: () => databases.create(), query: runSql }, (url) => openPostgres(url, OPTIONS));
});
