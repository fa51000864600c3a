import { afterAll, beforeAll, describe } from 'vitest';
import { assetPage } from '../../src/catalog/asset-pages.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { Database } from '../../src/catalog/database.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { openSqlite } from '../../src/catalog/sqlite/open.ts';
import { describeFilters } from '../conformance/catalog-filters.ts';
import { describeLists } from '../conformance/catalog-lists.ts';
import { querySqlite, temporaryDatabase } from '../support/sqlite-databases.ts';

const OPTIONS = { lockTimeout: 5000, migrate: 'auto' } as const;

// With a few assets every list is short; so short a reach makes them long.
describe.each([
  { walk: 3, aside: 2, scan: 4, sort: 1 },
  { walk: 1, aside: 1, scan: 1, sort: 0 },
  { walk: 20, aside: 10, scan: 30, sort: 8 },
])('lists that walk %o', (reach) => {
  const file = temporaryDatabase();
  let catalog: Catalog;
  let database: Database;

  beforeAll(async () => {
    const opened = await openCatalog(file.url, OPTIONS);
    database = await openSqlite(file.url, OPTIONS);
    const page: Catalog['assets']['page'] = (scope, query) =>
      database.read((session) => assetPage({ ...session, dialect: { ...session.dialect, reach } }, scope, query));
    catalog = { ...opened, assets: { ...opened.assets, page } };
  });
  afterAll(async () => {
    await database?.close();
    await catalog?.close();
    file.remove();
  });

  const context = {
    catalog: () => catalog,
    url: () => file.url,
    query: querySqlite,
    freshUrl: () => Promise.reject(new Error('one database will do')),
  };
  describeLists(context);
  describeFilters(context);
});
