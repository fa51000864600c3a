import { describe, expect, it } from 'vitest';
import type { AssetQuery } from '../../src/catalog/catalog.ts';
import type { Asset } from '../../src/core/asset.ts';
import type { OrganizationScope } from '../../src/core/identity.ts';
import { freshOrganization, only, person, storeAssets } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

export function describeLists(context: CatalogContext): void {
  const pages = async (scope: OrganizationScope, query: AssetQuery): Promise<Asset[][]> => {
    const found: Asset[][] = [];
    let after: string | undefined;
    do {
      const page = await context.catalog().assets.page(scope, { ...query, ...(after === undefined ? {} : { after }) });
      found.push(page.assets);
      after = page.nextCursor ?? undefined;
    } while (after !== undefined);
    return found;
  };

  describe('lists', () => {
    it('page through every asset once, newest first', async () => {
      const alice = person(freshOrganization());
      const stored: Asset[] = [];
      for (const count of [3, 1, 4]) {
        stored.push(
          ...(await storeAssets(
            context.catalog(),
            alice,
            Array.from({ length: count }, () => ({})),
          )),
        );
      }
      const found = await pages({ organization: alice.organization }, { filter: {}, limit: 3 });
      expect(found.map((page) => page.length)).toEqual([3, 3, 2]);
      const order = (a: Asset, b: Asset) => (a.createdAt + a.id < b.createdAt + b.id ? 1 : -1);
      expect(found.flat()).toEqual(stored.sort(order));
    });

    it('tell with each asset where its bytes are, of equal content the same place', async () => {
      const catalog = context.catalog();
      const [alice, eve] = [person(freshOrganization()), person(freshOrganization())];
      const content = freshOrganization();
      await storeAssets(catalog, eve, [{ content }]);
      const stored = await storeAssets(catalog, alice, [{ content }, {}, { content }]);
      const scope = { organization: alice.organization };
      const first = await catalog.assets.pageWithObjects(scope, { filter: {}, limit: 2 });
      const rest = await catalog.assets.pageWithObjects(scope, { filter: {}, limit: 2, after: first.nextCursor ?? '' });
      const found = [...first.assets, ...rest.assets];
      expect(found.map(({ asset }) => asset)).toEqual((await pages(scope, { filter: {}, limit: 9 })).flat());
      const ids = stored.map(({ id }) => id);
      expect(new Set(found)).toEqual(new Set(await catalog.assets.byIds(alice, ids)));
      expect(new Set(found.map(({ object }) => object.id)).size).toBe(2);
      expect(rest.nextCursor).toBeNull();
      expect(await catalog.assets.pageWithObjects(scope, { filter: { nameGlob: 'none' }, limit: 2 })).toEqual({
        assets: [],
        nextCursor: null,
      });
    });

    it('page by a range through what was created at one time, in both directions', async () => {
      const alice = person(freshOrganization());
      const assets = Array.from({ length: 12 }, (_, index) => ({ size: index }));
      const stored = await storeAssets(context.catalog(), alice, assets);
      const ids = stored
        .filter(({ fileSize }) => fileSize >= 2)
        .map(({ id }) => id)
        .sort();
      for (const descending of [false, true]) {
        const sort = { field: 'created', descending } as const;
        const query = { filter: { minSize: 2 }, limit: 3, sort };
        const found = (await pages({ organization: alice.organization }, query)).flat().map(({ id }) => id);
        expect(found).toEqual(descending ? ids.toReversed() : ids);
      }
    });

    it('sort by name, size and expiry in both directions, never-expiring assets last in time', async () => {
      const alice = person(freshOrganization());
      await storeAssets(context.catalog(), alice, [
        { originalFilename: 'b', size: 5, expiresAt: '2039-01-01T00:00:00Z' },
        { originalFilename: 'a', size: 7 },
        { originalFilename: 'ä', size: 1, expiresAt: '2038-01-01T00:00:00Z' },
        { originalFilename: 'Z', size: 7 },
        { originalFilename: '\u{1F600}', size: 0 },
        { originalFilename: '\uFFFD', size: 3 },
      ]);
      const scope = { organization: alice.organization };
      const sorted = async (field: 'name' | 'size' | 'expires', descending: boolean) =>
        (await pages(scope, { filter: {}, limit: 2, sort: { field, descending } })).flat();
      const names = ['Z', 'a', 'b', 'ä', '\uFFFD', '\u{1F600}'];
      expect((await sorted('name', false)).map((asset) => asset.originalFilename)).toEqual(names);
      expect((await sorted('name', true)).map((asset) => asset.originalFilename)).toEqual(names.toReversed());
      expect((await sorted('size', true)).map((asset) => asset.fileSize)).toEqual([7, 7, 5, 3, 1, 0]);
      const expiries = (await sorted('expires', false)).map((asset) => asset.expiresAt?.slice(0, 4) ?? null);
      expect(expiries).toEqual(['2038', '2039', null, null, null, null]);
      const latest = (await sorted('expires', true)).map((asset) => asset.expiresAt?.slice(0, 4) ?? null);
      expect(latest).toEqual(expiries.toReversed());
    });

    it('refuse a cursor of another list, or one that is none', async () => {
      const alice = person(freshOrganization());
      await storeAssets(context.catalog(), alice, [{}, {}]);
      const scope = { organization: alice.organization };
      const byName = { filter: {}, limit: 1, sort: { field: 'name', descending: false } } as const;
      const { nextCursor } = await context.catalog().assets.page(scope, byName);
      for (const after of [
        nextCursor ?? '',
        '',
        'rubbish',
        Buffer.from('["assets:created:desc",1,2]').toString('base64url'),
      ]) {
        await expect(context.catalog().assets.page(scope, { filter: {}, limit: 1, after })).rejects.toMatchObject({
          code: 'USAGE',
        });
      }
    });

    it('refuse a cursor that somebody made up, whatever its values are', async () => {
      const scope = { organization: freshOrganization() };
      const [time, id] = ['2030-01-01T00:00:00.000Z', '1f0c2a9b-0000-4000-8000-000000000000'];
      for (const [field, ...values] of [
        ['created', 'x', id],
        ['created', time, 'x'],
        ['created', '2030-99-01T00:00:00.000Z', id],
        ['created', '2030-02-31T00:00:00.000Z', id],
        ['created', '0000-01-01T00:00:00.000Z', id],
        ['name', 'nul \0', time, id],
        ['size', 1.5, time, id],
        ['size', 1e300, time, id],
        ['expires', 'never', time, id],
      ] as const) {
        const after = Buffer.from(JSON.stringify([`assets:${field}:asc`, ...values])).toString('base64url');
        const query = { filter: {}, limit: 1, after, sort: { field, descending: false } };
        const refused = expect.objectContaining({ code: 'USAGE' });
        await expect(context.catalog().assets.page(scope, query), JSON.stringify(values)).rejects.toEqual(refused);
      }
    });

    it('find by id and by a prefix of it what the identity may see', async () => {
      const alice = person(freshOrganization());
      const [secret, open] = await storeAssets(context.catalog(), alice, [{}, { isPublic: true }]);
      const ids = [secret?.id ?? '', open?.id ?? ''];
      const stranger = person(freshOrganization());
      const seen = async (identity: typeof alice) =>
        (await context.catalog().assets.byIds(identity, [...ids, 'no-uuid', ids[0]?.toUpperCase() ?? ''])).map(
          ({ asset }) => asset.id,
        );
      expect((await seen(alice)).sort()).toEqual([...ids].sort());
      expect(await seen(stranger)).toEqual(ids.slice(1));
      expect((await seen({ ...stranger, role: 'operator' })).sort()).toEqual([...ids].sort());
      const byPrefix = async (identity: typeof alice, prefix: string) =>
        (await context.catalog().assets.byIdPrefix(identity, prefix, 3)).map(({ asset }) => asset.id);
      expect(await byPrefix(alice, ids[0]?.slice(0, 8) ?? '')).toEqual(ids.slice(0, 1));
      expect(await byPrefix(alice, ids[0] ?? '')).toEqual(ids.slice(0, 1));
      expect(await byPrefix(stranger, ids[0]?.slice(0, 9) ?? '')).toEqual([]);
      expect(await byPrefix(stranger, ids[1]?.slice(0, 13) ?? '')).toEqual(ids.slice(1));
      for (const prefix of ['zzzzzzzz', "'; drop table assets; --", '%%%%%%%%', `${ids[0]}0`]) {
        expect(await byPrefix(alice, prefix)).toEqual([]);
      }
    });

    it('count assets and bytes', async () => {
      const alice = person(freshOrganization());
      await storeAssets(context.catalog(), alice, [{ size: 10, tags: { a: '1' } }, { size: 5_000_000_000 }]);
      const scope = { organization: alice.organization };
      expect(await context.catalog().assets.count(scope, {})).toEqual({ count: 2, bytes: 5_000_000_010 });
      expect(await context.catalog().assets.count(scope, { tags: { a: '1' } })).toEqual({ count: 1, bytes: 10 });
      expect(await context.catalog().assets.count(scope, { tags: { a: '2' } })).toEqual({ count: 0, bytes: 0 });
    });

    it('let plain SQL read the same columns', async () => {
      const alice = person(freshOrganization());
      const asset = only(
        await storeAssets(context.catalog(), alice, [{ tags: { k: 'v' }, expiresAt: '2039-01-01T00:00:00Z' }]),
      );
      const row = only(await context.query(context.url(), `select * from assets where id = '${asset.id}'`));
      const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      for (const name of Object.keys(asset)) expect(row).toHaveProperty(snake(name));
      expect(row).toMatchObject({ original_filename: 'report.txt', file_hash: asset.fileHash, status: 'active' });
    });
  });
}
