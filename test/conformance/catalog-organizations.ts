import { describe, expect, it } from 'vitest';
import { AUDIT, freshOrganization, hashOf, person, storeAssets, upload } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

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
