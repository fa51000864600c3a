import { describe, expect, it } from 'vitest';
import { compareKeys, orderValues } from '../../src/catalog/assets/asset-order.ts';
import type { AssetFilter, AssetQuery } from '../../src/catalog/catalog.ts';
import type { Asset } from '../../src/core/asset.ts';
import type { OrganizationScope } from '../../src/core/identity.ts';
import {
  AUDIT,
  freshOrganization,
  hashOf,
  person,
  storeAssets,
  type UploadSpec,
  upload,
} from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

/** One of everything that lists tell apart. */
const MIXED: readonly UploadSpec[] = [
  { originalFilename: 'abc', size: 1, projectId: 'web', tags: { team: 'red', stage: 'test' } },
  { originalFilename: 'abd', size: 2, assetType: 'BACKUP_FILE', expiresAt: '2039-01-01T00:00:00Z' },
  { originalFilename: 'bcd', size: 3, isPublic: true, tags: { team: 'red' } },
  { originalFilename: 'Zab', size: 4, projectId: 'web', expiresAt: '2041-01-01T00:00:00Z' },
  { originalFilename: 'äb', size: 5, backend: 'archive' },
  { originalFilename: 'trash', size: 6, projectId: 'web' },
];

/** Every operation with two organisations that hold the same content: neither sees or touches the other's. */
export function describeOrganizations(context: CatalogContext): void {
  describe('organisations', () => {
    const twoOrganizations = async () => {
      const mine = person(freshOrganization());
      const theirs = person(freshOrganization());
      const spec = { content: `common-${mine.organization}`, tags: { team: 'red' }, projectId: 'web' };
      await storeAssets(context.catalog(), mine, [spec, {}]);
      await storeAssets(context.catalog(), theirs, [spec]);
      return { mine, theirs, hash: hashOf(spec.content), content: spec.content };
    };

    it.each([
      {},
      { tags: { team: 'red' } },
      { projectId: 'web' },
      { userId: 'alice' },
      { minSize: 0 },
      { nameGlob: 'rep*' },
      { nameGlob: '*port*' },
      { status: 'any' as const, expired: 'include' as const },
    ])('list and count by %j within one', async (filter) => {
      const { mine, theirs } = await twoOrganizations();
      for (const { organization } of [mine, theirs]) {
        for (const field of ['created', 'name', 'size', 'expires'] as const) {
          const query = { filter, limit: 10, sort: { field, descending: true } };
          const { assets } = await context.catalog().assets.page({ organization }, query);
          expect(assets.length).toBeGreaterThan(0);
          expect(new Set(assets.map((asset) => asset.organizationId))).toEqual(new Set([organization]));
          expect((await context.catalog().assets.count({ organization }, filter)).count).toBe(assets.length);
        }
      }
    });

    it('are merged in order only where all are named', async () => {
      const { mine, theirs } = await twoOrganizations();
      const found: string[] = [];
      const times: string[] = [];
      let after: string | null | undefined;
      while (after !== null) {
        const query = { filter: { tags: { team: 'red' } }, limit: 3, ...(after === undefined ? {} : { after }) };
        const page = await context.catalog().assets.page({ allOrganizations: true }, query);
        found.push(...page.assets.map((asset) => asset.organizationId));
        times.push(...page.assets.map((asset) => asset.createdAt));
        after = page.nextCursor;
      }
      expect(found.filter((organization) => organization === mine.organization)).toHaveLength(1);
      expect(found.filter((organization) => organization === theirs.organization)).toHaveLength(1);
      expect(times).toEqual(times.toSorted().toReversed());
    });

    it.each<[AssetFilter, AssetQuery['sort']]>([
      [{}, undefined],
      [{ assetType: 'BACKUP_FILE' }, undefined],
      [{ projectId: 'web', userId: 'alice' }, undefined],
      [
        { backend: 'local', scanStatus: 'PENDING' },
        { field: 'name', descending: false },
      ],
      [{ status: 'trashed' }, undefined],
      [{ isPublic: true }, undefined],
      [{ isPublic: false }, { field: 'size', descending: true }],
      [{ tags: { team: 'red' } }, undefined],
      [{ tags: { team: 'red', stage: 'test' } }, { field: 'expires', descending: false }],
      [{ nameGlob: 'a*' }, undefined],
      [{ nameGlob: '*b*' }, { field: 'created', descending: false }],
      [{ minSize: 2, maxSize: 4 }, undefined],
      [{ expiresBefore: '2040-01-01T00:00:00Z' }, undefined],
      [
        { status: 'any', expired: 'include' },
        { field: 'size', descending: false },
      ],
    ])('together give what each gives: %j by %j', async (filter, sort) => {
      const catalog = context.catalog();
      const organizations = [freshOrganization(), freshOrganization(), freshOrganization()];
      const since = (await storeAssets(catalog, person(freshOrganization()), [{}]))[0]?.createdAt ?? '';
      for (const organization of organizations) {
        const specs = MIXED.map((spec, index) => ({ ...spec, content: `${organization}-${index}` }));
        const stored = await storeAssets(catalog, person(organization), specs);
        await catalog.lifecycle.trash(person(organization), [stored.at(-1)?.id ?? ''], 30, AUDIT);
      }
      const span = { ...filter, createdAfter: since };
      const listAll = async (scope: OrganizationScope): Promise<Asset[]> => {
        const found: Asset[] = [];
        let after: string | null | undefined;
        while (after !== null) {
          const query = { filter: span, limit: 4, ...(sort && { sort }), ...(after === undefined ? {} : { after }) };
          const page = await catalog.assets.page(scope, query);
          found.push(...page.assets);
          after = page.nextCursor;
        }
        return found;
      };
      const order = sort ?? { field: 'created', descending: true };
      const each = (await Promise.all(organizations.map((organization) => listAll({ organization })))).flat();
      const together = await listAll({ allOrganizations: true });
      const ours = together.filter((asset) => organizations.includes(asset.organizationId));
      const sorted = each.toSorted((a, b) => compareKeys(order, orderValues(order, a), orderValues(order, b)));
      expect(each.length).toBeGreaterThan(0);
      expect(ours.map((asset) => asset.id)).toEqual(sorted.map((asset) => asset.id));
    });

    it('share neither bytes, verdicts, earlier uploads nor audit trail', async () => {
      const { mine, theirs, hash, content } = await twoOrganizations();
      const third = person(freshOrganization());
      const candidate = {
        assetType: 'SEO_REPORT',
        projectId: 'web',
        originalFilename: 'report.txt',
        fileHash: hash,
        isPublic: false,
      };
      const { assets, audit } = context.catalog();
      expect((await assets.sameUploads(mine, [candidate]))[0]?.organizationId).toBe(mine.organization);
      expect(await assets.sameUploads(third, [candidate])).toEqual([undefined]);
      expect((await assets.storedHashes(third.organization, 'local', [hash])).size).toBe(0);
      await context.query(
        context.url(),
        `update content_verdicts set status = 'INFECTED', result = 'x' where organization_id = '${mine.organization}'`,
      );
      expect(await upload(context.catalog(), theirs, [{ content }])).toMatchObject([{ kind: 'committed' }]);
      const events = await audit.page({ organization: theirs.organization }, {}, 100);
      expect(new Set(events.events.map((event) => event.organizationId))).toEqual(new Set([theirs.organization]));
    });

    it('cannot delete what is not theirs, and leave it intact', async () => {
      const { mine, theirs } = await twoOrganizations();
      const page = await context
        .catalog()
        .assets.page({ organization: theirs.organization }, { filter: {}, limit: 10 });
      const ids = page.assets.map((asset) => asset.id);
      const results = await context.catalog().deletes.deleteAssets({ ...mine, role: 'admin' }, ids, 30, AUDIT);
      expect(results.map((result) => result.kind === 'refused' && result.code)).toEqual(['ASSET_NOT_FOUND']);
      expect(await context.catalog().assets.byIds({ ...mine, role: 'admin' }, ids)).toEqual([]);
      expect(await context.catalog().assets.byIds(theirs, ids)).toHaveLength(1);
    });
  });
}
