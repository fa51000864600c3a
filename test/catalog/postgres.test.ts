import { afterAll, expect, it } from 'vitest';
import { describeCatalog } from '../conformance/catalog.ts';
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

  it('refuses even the owner to empty the audit trail', async () => {
    await expect(runSql(asOwner(everyday), 'truncate audit_events')).rejects.toThrow('append-only');
  });
});
