import { afterAll, expect, it } from 'vitest';
import type { AssetFilter } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { describeCatalog } from '../conformance/catalog.ts';
import { freshOrganization, person, storeAssets } from '../support/catalog-uploads.ts';
import { leastPrivileged, postgresDatabases, runSql } from '../support/postgres-databases.ts';
import { describeWithService } from '../support/services/index.ts';

await describeWithService('postgres', 'PostgreSQL', ({ url: adminUrl }) => {
  const databases = postgresDatabases(adminUrl);
  afterAll(() => databases.dropAll());
  let everyday = '';

  const asOwner = (url: string): string => {
    const owner = new URL(adminUrl);
    owner.pathname = new URL(url).pathname;
    return owner.href;
  };

  describeCatalog('PostgreSQL', {
    freshUrl: () => databases.create(),
    async everydayUrl(ownerUrl) {
      everyday = await leastPrivileged(ownerUrl);
      return everyday;
    },
    query: (url, statement) => runSql(asOwner(url), statement),
  });

  it.each([
    'create table more (id integer)',
    'alter table assets add column more integer',
    'update audit_events set actor = null',
    'delete from audit_events',
    'truncate audit_events',
    'delete from schema_migrations',
    'update catalog set id = id',
  ])('refuses the everyday login: %s', async (statement) => {
    await expect(runSql(everyday, statement)).rejects.toThrow(/permission denied|must be owner/);
  });

  it.each([
    ['Asia/Kolkata', null],
    ['America/New_York', null],
    ['Europe/Berlin', '1800-01-01T00:00:00.000Z'],
    ['America/New_York', '0001-01-01T00:00:00.000Z'],
    ['Asia/Kolkata', '9999-12-31T23:59:59.999Z'],
  ])('reads its times in the zone of a session: %s, %s', async (zone, expiresAt) => {
    const url = new URL(everyday);
    url.searchParams.set('options', `-c timezone=${zone}`);
    const catalog = await openCatalog(url.href.replaceAll('+', '%20'), { lockTimeout: 5000, migrate: 'auto' });
    try {
      const alice = person(freshOrganization());
      const [stored] = await storeAssets(catalog, alice, [{ expiresAt }]);
      const filter: AssetFilter = { status: 'any', expired: 'include' };
      const { assets } = await catalog.assets.page({ organization: alice.organization }, { filter, limit: 9 });
      expect(assets).toEqual([stored]);
      expect(assets[0]?.expiresAt).toBe(expiresAt);
    } finally {
      await catalog.close();
    }
  });

  it('says of a filter with a NUL that there can be no such text', async () => {
    const catalog = await openCatalog(everyday, { lockTimeout: 5000, migrate: 'auto' });
    const query = { filter: { nameGlob: 'nul \0*' }, limit: 1 };
    const asked = catalog.assets.page({ organization: freshOrganization() }, query);
    await expect(asked.finally(() => catalog.close())).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('refuses even the owner to empty the audit trail', async () => {
    await expect(runSql(asOwner(everyday), 'truncate audit_events')).rejects.toThrow('append-only');
  });
});
