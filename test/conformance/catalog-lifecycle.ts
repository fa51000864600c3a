import { describe, expect, it } from 'vitest';
import type { AssetChange } from '../../src/catalog/catalog.ts';
import { AUDIT, freshOrganization, only, person, storeAssets } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

const WEEK = 7 * 86_400;

export function describeLifecycle(context: CatalogContext): void {
  const run = (statement: string) => context.query(context.url(), statement);
  const lifecycle = () => context.catalog().lifecycle;

  describe('expiry', () => {
    it('counts from the database time of the commit', async () => {
      const alice = person(freshOrganization());
      const asset = only(await storeAssets(context.catalog(), alice, [{ expiresInSeconds: 3600 }]));
      expect(Date.parse(asset.expiresAt ?? '') - Date.parse(asset.createdAt)).toBe(3_600_000);
    });

    it('is changed by those who may delete, with the values before and after in the trail', async () => {
      const alice = person(freshOrganization());
      const asset = only(await storeAssets(context.catalog(), alice, [{ expiresAt: '2039-01-01T00:00:00Z' }]));
      const bob = person(alice.organization, { user: 'bob' });
      const expiry = { kind: 'at', time: '2040-01-01T00:00:00Z' } as const;
      expect(reasons(await lifecycle().extend(bob, [asset.id], expiry, AUDIT))).toEqual(['denied']);
      const stranger = person(freshOrganization(), { role: 'admin' });
      expect(reasons(await lifecycle().extend(stranger, [asset.id], expiry, AUDIT))).toEqual(['missing']);
      const [changed] = await lifecycle().extend(alice, [asset.id], expiry, AUDIT);
      expect(changed).toMatchObject({ kind: 'changed', asset: { expiresAt: '2040-01-01T00:00:00.000Z' } });
      const [endless] = await lifecycle().extend(alice, [asset.id], { kind: 'never' }, AUDIT);
      expect(endless).toMatchObject({ asset: { expiresAt: null } });
      const { events } = await context
        .catalog()
        .audit.page({ organization: alice.organization }, { action: 'extended' }, 9);
      expect(
        events.map(({ outcome, details }) => [outcome, details['previousExpiresAt'], details['expiresAt']]),
      ).toEqual([
        ['success', '2040-01-01T00:00:00.000Z', null],
        ['success', '2039-01-01T00:00:00.000Z', '2040-01-01T00:00:00.000Z'],
        ['refused', undefined, undefined],
      ]);
    });
  });

  describe('trash', () => {
    it('hides an asset, keeps its bytes, and gives it back until its time ends', async () => {
      const alice = person(freshOrganization());
      const asset = only(await storeAssets(context.catalog(), alice, [{}]));
      const [trashed] = await lifecycle().trash(alice, [asset.id], WEEK, AUDIT);
      expect(trashed).toMatchObject({ kind: 'changed', asset: { status: 'trashed', trashedAt: expect.any(String) } });
      const scope = { organization: alice.organization };
      expect((await context.catalog().assets.page(scope, { filter: {}, limit: 9 })).assets).toEqual([]);
      const shown = await context.catalog().assets.page(scope, { filter: { status: 'trashed' }, limit: 9 });
      expect(shown.assets.map(({ id }) => id)).toEqual([asset.id]);
      expect(reasons(await lifecycle().trash(alice, [asset.id], WEEK, AUDIT))).toEqual(['in-trash']);
      const [restored] = await lifecycle().restore(alice, [asset.id], AUDIT);
      expect(restored).toMatchObject({ kind: 'changed', asset: { status: 'active', trashedAt: null } });
      expect(reasons(await lifecycle().restore(alice, [asset.id], AUDIT))).toEqual(['not-in-trash']);
    });

    it('gives nothing back that expired or whose time is over', async () => {
      const alice = person(freshOrganization());
      const [one, two] = await storeAssets(context.catalog(), alice, [{ expiresInSeconds: 3600 }, {}]);
      const ids = [one?.id ?? '', two?.id ?? ''];
      await lifecycle().trash(alice, ids, WEEK, AUDIT);
      await run(`update assets set expires_at = '2020-01-01T00:00:00.000Z' where id = '${ids[0]}'`);
      await run(`update assets set trash_ends_at = '2020-01-01T00:00:00.000Z' where id = '${ids[1]}'`);
      expect(reasons(await lifecycle().restore(alice, ids, AUDIT))).toEqual(['expired', 'trash-ended']);
      await lifecycle().extend(alice, ids.slice(0, 1), { kind: 'never' }, AUDIT);
      expect(reasons(await lifecycle().restore(alice, ids.slice(0, 1), AUDIT))).toEqual(['changed']);
    });

    it('asks for a move of public bytes, and is closed to strangers', async () => {
      const alice = person(freshOrganization());
      const asset = only(await storeAssets(context.catalog(), alice, [{ isPublic: true }]));
      const [change] = await lifecycle().trash(alice, [asset.id], WEEK, AUDIT);
      expect(change).toMatchObject({ kind: 'move-needed', found: { asset: { trashedAt: null } } });
      await run(`update assets set trashed_at = '2020-01-01T00:00:00.000Z' where id = '${asset.id}'`);
      const stranger = person(freshOrganization());
      expect(await context.catalog().assets.byIds(stranger, [asset.id])).toEqual([]);
      expect(await context.catalog().assets.byIds(alice, [asset.id])).toHaveLength(1);
    });
  });
}

function reasons(changes: readonly AssetChange[]): string[] {
  return changes.map((change) => (change.kind === 'refused' ? change.reason : change.kind));
}
