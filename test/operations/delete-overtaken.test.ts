import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import type { AssetFilter } from '../../src/catalog/catalog.ts';
import { extendAssets } from '../../src/operations/changes/extend.ts';
import { restoreAssets } from '../../src/operations/changes/trash.ts';
import { type DeleteRequest, deleteAssets } from '../../src/operations/removal/delete.ts';
import { createCatalogDatabase, describeWithService } from '../support/services/index.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { createWorkspace } from '../support/workspace.ts';

/** A catalog on PostgreSQL, one asset in it, and somebody who keeps every change of that waiting. */
async function prepare(expiresAt: string | null) {
  const { url, ownerUrl } = await createCatalogDatabase();
  const work = await createWorkspace({ databaseUrl: url });
  const path = await writeText(work.directory, 'report.txt', 'content');
  const asset = assetOf((await uploadPaths(work.context(), [path]))[0]);
  const holder = new pg.Client({ connectionString: ownerUrl });
  await holder.connect();
  onTestFinished(() => holder.end());
  if (expiresAt !== null) {
    await holder.query('update assets set expires_at = $1 where id = $2', [expiresAt, asset.id]);
  }
  const filtered = (filter: AssetFilter) => ({ kind: 'filter' as const, scope: { organization: 'acme' }, filter });

  /** Both read the asset as it is now; the change gets it first. */
  async function race(change: () => Promise<unknown>, request: Omit<DeleteRequest, 'dryRun'>) {
    await holder.query('begin');
    await holder.query('select 1 from content_verdicts for update');
    const changing = change();
    await waiting(1);
    const deleting = collect(deleteAssets(work.context(), { ...request, dryRun: false }));
    await waiting(2);
    await holder.query('commit');
    await changing;
    return deleting;
  }

  async function waiting(count: number): Promise<void> {
    const query = `select count(*) as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    for (;;) {
      // A transaction sees the activity of its first look until it says otherwise.
      await holder.query('select pg_stat_clear_snapshot()');
      if (Number((await holder.query(query)).rows[0].n) >= count) return;
      await sleep(10);
    }
  }

  const trash = () => collect(deleteAssets(work.context(), { selection: ids, dryRun: false, trash: true }));
  const ids = { kind: 'ids' as const, ids: [asset.id] };
  const status = async () =>
    (await (await work.catalog()).assets.byIds(work.context().identity, ids.ids))[0]?.asset.status;
  return { work, asset, ids, filtered, race, trash, status };
}

await describeWithService('postgres', 'a delete that another overtakes', () => {
  test('leaves what was restored, though it matched as trashed', async () => {
    const { work, ids, filtered, race, trash, status } = await prepare(null);
    await trash();
    const restore = () => collect(restoreAssets(work.context(), ids.ids));
    expect(await race(restore, { selection: filtered({ status: 'trashed' }) })).toEqual([]);
    expect(await status()).toBe('active');
  });

  test('refuses what was restored and is named by its id', async () => {
    const { work, ids, race, trash, status } = await prepare(null);
    await trash();
    const restore = () => collect(restoreAssets(work.context(), ids.ids));
    expect(await race(restore, { selection: ids })).toMatchObject([
      { kind: 'failed', failure: { code: 'STATE_CHANGED' } },
    ]);
    expect(await status()).toBe('active');
  });

  test.each([{ trash: false }, { trash: true }])('leaves what was extended, %o', async ({ trash }) => {
    const { work, ids, filtered, race, status } = await prepare('2020-01-01T00:00:00Z');
    const extend = () => collect(extendAssets(work.context(), ids.ids, { kind: 'never' }));
    expect(await race(extend, { selection: filtered({ expired: 'only' }), trash })).toEqual([]);
    expect(await status()).toBe('active');
    expect(await work.storedFiles()).toHaveLength(1);
  });
});
