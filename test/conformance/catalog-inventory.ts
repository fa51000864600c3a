import { describe, expect, it } from 'vitest';
import type { OrphanRow, Standing } from '../../src/catalog/catalog.ts';
import {
  AUDIT,
  factsOf,
  freshOrganization,
  only,
  person,
  requestFor,
  storeAssets,
} from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

export function describeInventory(context: CatalogContext): void {
  const inventory = () => context.catalog().inventory;

  describe('inventory', () => {
    it('pages every row of a backend and prefix in byte order', async () => {
      const alice = person(freshOrganization());
      const assets = await storeAssets(context.catalog(), alice, [{}, {}, {}, { backend: 'far' }]);
      await context.catalog().uploads.reserve([requestFor(alice, {})], 30);
      const prefix = `${alice.organization}/`;
      const paths: string[] = [];
      const standings: Standing[] = [];
      for (let after: string | undefined; ; after = paths.at(-1)) {
        const page = await inventory().page({ backend: 'local', prefix, after, withChecksums: true }, 2);
        paths.push(...page.map((row) => row.storagePath));
        standings.push(...page.map((row) => row.standing));
        if (page.length < 2) break;
      }
      expect(paths).toEqual([...paths].sort());
      const [first] = await inventory().page({ backend: 'local', prefix, withChecksums: true }, 1);
      expect(first?.storedSize).toBe(only(await inventory().at('local', [paths[0] ?? ''])).storedSize);
      expect(standings.sort()).toEqual(['passing', 'stored', 'stored', 'stored']);
      expect(await inventory().page({ backend: 'local', prefix: `${prefix}x`, withChecksums: false }, 9)).toEqual([]);
      const [found] = await inventory().at('local', [assets[0]?.storagePath ?? '']);
      expect(found).toMatchObject({ state: 'STORED', leaseHasRunOut: false });
      const references = await inventory().assetsOn([found?.id ?? '']);
      expect(references).toEqual([{ objectId: found?.id, assetId: assets[0]?.id, organizationId: alice.organization }]);
    });

    it('says in one text what a listing should say, between two paths', async () => {
      const alice = person(freshOrganization());
      const assets = await storeAssets(context.catalog(), alice, [{}, {}, { content: 'hurt' }, { backend: 'far' }]);
      const [pending] = await context.catalog().uploads.reserve([requestFor(alice, {})], 30);
      expect(pending?.kind).toBe('store');
      const prefix = `${alice.organization}/`;
      const hurt = only(await inventory().at('local', [assets[2]?.storagePath ?? '']));
      await inventory().mark(alice, hurt, true, {}, AUDIT);
      const rows = await inventory().page({ backend: 'local', prefix, withChecksums: false }, 9);
      expect(rows.map(({ standing }) => standing).sort()).toEqual(['damaged', 'passing', 'stored', 'stored']);
      const lines = rows.map(
        ({ storagePath, storedSize, etag, standing }) =>
          `${storagePath}\n${standing === 'stored' ? `${storedSize} ${etag}` : standing}\n`,
      );
      const [first, , third] = rows.map(({ storagePath }) => storagePath as string);
      expect(await inventory().text('local', prefix, `${prefix}~`)).toBe(lines.join(''));
      expect(await inventory().text('local', first ?? '', third ?? '')).toBe(lines.slice(1, 3).join(''));
      expect(await inventory().text('local', `${prefix}~`, `${prefix}~~`)).toBe('');
      const between = { backend: 'local', prefix, after: first, upTo: third, withChecksums: false };
      expect(await inventory().page(between, 9)).toEqual(rows.slice(1, 3));
    });

    it('marks an object and its assets as damaged and as whole again, each once in the trail', async () => {
      const alice = person(freshOrganization());
      const assets = await storeAssets(context.catalog(), alice, [{ content: 'hurt' }, { content: 'hurt' }]);
      const object = only(await inventory().at('local', [assets[0]?.storagePath ?? '']));
      const mark = (damaged: boolean) => inventory().mark(alice, object, damaged, { finding: 'missing' }, AUDIT);
      await mark(true);
      await mark(true);
      const ids = assets.map(({ id }) => id);
      const statuses = async () => (await context.catalog().assets.byIds(alice, ids)).map(({ asset }) => asset.status);
      expect(await statuses()).toEqual(['damaged', 'damaged']);
      expect(
        await inventory().goodCopies(alice.organization, object.sha256, '00000000-0000-4000-8000-000000000000'),
      ).toEqual([]);
      await mark(false);
      expect(await statuses()).toEqual(['active', 'active']);
      await inventory().mark(alice, { ...object, etag: 'other' }, true, {}, AUDIT);
      expect(await statuses()).toEqual(['active', 'active']);
      const scope = { organization: alice.organization };
      expect((await context.catalog().audit.page(scope, { action: 'damaged' }, 9)).events).toHaveLength(2);
    });

    it('adopts bytes that no row knows, once', async () => {
      const alice = person(freshOrganization());
      const request = requestFor(alice, {});
      const { organizationId, backend, storageProvider, storagePath, size, sha256, isPublic } = request;
      const orphan: OrphanRow = {
        ...{ organizationId, backend, storageProvider, storagePath, size, sha256, isPublic },
        facts: factsOf(request),
        retainSeconds: 3600,
      };
      const adopted = await inventory().adopt(orphan);
      expect(adopted).toMatchObject({ state: 'RETAINED', storagePath });
      expect(await inventory().adopt(orphan)).toBeUndefined();
      const copies = await inventory().goodCopies(organizationId, sha256, '00000000-0000-4000-8000-000000000000');
      expect(copies.map(({ id }) => id)).toEqual([adopted?.id]);
    });

    it('remembers how far a verification came, by backend and scope', async () => {
      const scope = freshOrganization();
      expect(await inventory().progress('local', scope)).toBeUndefined();
      await inventory().saveProgress('local', scope, 'a');
      const first = await inventory().progress('local', scope);
      await inventory().saveProgress('local', scope, 'b');
      expect(await inventory().progress('local', scope)).toEqual({ position: 'b', startedAt: first?.startedAt });
      expect(await inventory().progress('far', scope)).toBeUndefined();
      await inventory().clearProgress('local', scope);
      expect(await inventory().progress('local', scope)).toBeUndefined();
    });
  });

  describe('statistics', () => {
    it('count what there is, what is shared and what expires when', async () => {
      const alice = person(freshOrganization());
      await storeAssets(context.catalog(), alice, [
        { content: 'same bytes' },
        { content: 'same bytes', assetType: 'EXPORT_FILE', expiresInSeconds: 3 * 86_400 },
        { content: 'other', backend: 'far', expiresInSeconds: 60 * 86_400 },
      ]);
      const statistics = await context.catalog().statistics.read({ organization: alice.organization });
      expect(statistics.assets).toMatchObject([
        { assetType: 'EXPORT_FILE', backend: 'local', status: 'active', scanStatus: 'PENDING', count: 1, bytes: 10 },
        { assetType: 'SEO_REPORT', backend: 'far', count: 1, bytes: 5 },
        { assetType: 'SEO_REPORT', backend: 'local', count: 1, bytes: 10 },
      ]);
      expect(statistics.objects).toEqual([
        { backend: 'far', state: 'STORED', count: 1, bytes: 5 },
        { backend: 'local', state: 'STORED', count: 1, bytes: 10 },
      ]);
      expect(statistics.deduplicated).toEqual({ count: 1, bytes: 10 });
      expect(statistics.expired).toEqual({ count: 0, bytes: 0 });
      expect(statistics.expiring).toEqual([
        { days: 7, count: 1, bytes: 10 },
        { days: 30, count: 1, bytes: 10 },
        { days: 90, count: 2, bytes: 15 },
      ]);
      const everywhere = await context.catalog().statistics.read({ allOrganizations: true });
      expect(everywhere.assets.length).toBeGreaterThanOrEqual(3);
    });
  });
}
