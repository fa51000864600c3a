import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { openCatalog } from '../../src/catalog/open.ts';
import { AUDIT, freshOrganization, only, person, storeAssets } from '../support/catalog-uploads.ts';
import { createCatalogDatabase, describeWithService } from '../support/services/index.ts';

await describeWithService('postgres', 'the audit trail on PostgreSQL', () => {
  test('shows what a transaction waited for before what it then did', async () => {
    const { url, ownerUrl } = await createCatalogDatabase();
    const catalog = await openCatalog(url, { lockTimeout: 10_000, migrate: 'auto' });
    onTestFinished(() => catalog.close());
    const holder = new pg.Client({ connectionString: ownerUrl });
    await holder.connect();
    onTestFinished(() => holder.end());
    const alice = person(freshOrganization());
    const asset = only(await storeAssets(catalog, alice, [{}]));

    await holder.query('begin');
    await holder.query('select 1 from content_verdicts for update');
    const deleting = catalog.deletes.deleteAssets(alice, [asset.id], 30, AUDIT);
    await waiting(holder);
    const event = { organizationId: alice.organization, actor: 'bob', assetId: asset.id, outcome: 'success' } as const;
    await catalog.audit.record([{ ...event, action: 'extended', details: {} }], AUDIT);
    await holder.query('commit');
    await deleting;

    const { events } = await catalog.audit.page({ organization: alice.organization }, { assetId: asset.id }, 9);
    expect(events.map(({ action }) => action)).toEqual(['deleted', 'extended', 'uploaded']);
  });
});

async function waiting(holder: pg.Client): Promise<void> {
  const query = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  do {
    await sleep(10);
    // A transaction sees the activity of its first look until it says otherwise.
    await holder.query('select pg_stat_clear_snapshot()');
  } while ((await holder.query(query)).rowCount === 0);
}
