import { beforeAll, describe, expect, it } from 'vitest';
import type { AssetFilter } from '../../src/catalog/catalog.ts';
import type { Asset } from '../../src/core/asset.ts';
import { freshOrganization, person, storeAssets, type UploadSpec } from '../support/catalog-uploads.ts';
import fc from '../support/property.ts';
import type { CatalogContext } from './catalog.ts';

const NAMES = ['a.txt', 'ab.txt', 'b.csv', 'B.csv', '[x].txt', 'x-y', '100%_sure', 'ünï.txt', 'a\nb.txt', '^', ']'];
const EXPIRIES = [null, '2001-01-01T00:00:00Z', '2038-01-01T00:00:00Z'];

const specs: UploadSpec[] = Array.from({ length: 60 }, (_, index) => ({
  assetType: index % 3 === 0 ? 'EXPORT_FILE' : 'SEO_REPORT',
  projectId: index % 4 === 0 ? 'web' : null,
  userId: index % 5 === 0 ? null : index % 2 === 0 ? 'alice' : 'bob',
  backend: index % 7 === 0 ? 'other' : 'local',
  originalFilename: NAMES[index % NAMES.length] ?? '',
  size: index * 10,
  isPublic: index % 6 === 0,
  expiresAt: EXPIRIES[index % EXPIRIES.length] ?? null,
  tags: { team: index % 2 === 0 ? 'red' : 'blue', ...(index % 3 === 0 ? { stage: 'final' } : {}) },
}));

/** Globs as regular expressions mean them. */
const GLOBS: Record<string, RegExp> = {
  '*': /^.*$/su,
  'a*': /^a.*$/su,
  '?.csv': /^.\.csv$/su,
  '[aB]*': /^[aB].*$/su,
  '[!a]*': /^[^a].*$/su,
  '[^a-x]*': /^[^a-x].*$/su,
  '*.txt': /^.*\.txt$/su,
  'a*.txt': /^a.*\.txt$/su,
  '[[]x]*': /^\[x\].*$/su,
  '100%_*': /^100%_.*$/su,
  'x-y': /^x-y$/u,
  'ü*': /^ü.*$/su,
  '[]^]': /^[\]^]$/u,
};

const VALUES = {
  assetType: fc.constantFrom('EXPORT_FILE', 'SEO_REPORT', 'NONE'),
  projectId: fc.constantFrom('web', 'none'),
  userId: fc.constantFrom('alice', 'bob'),
  backend: fc.constantFrom('local', 'other'),
  status: fc.constantFrom('active', 'trashed', 'quarantined', 'damaged', 'any'),
  scanStatus: fc.constantFrom('PENDING', 'CLEAN'),
  nameGlob: fc.constantFrom(...Object.keys(GLOBS)),
  tags: fc.constantFrom({ team: 'red' }, { team: 'blue', stage: 'final' }, { none: '' }),
  isPublic: fc.boolean(),
  expired: fc.constantFrom('exclude', 'only', 'include'),
  expiresBefore: fc.constantFrom('2030-01-01T00:00:00Z', '2039-01-01T00:00:00+01:00'),
  createdAfter: fc.constantFrom('2001-01-01T00:00:00Z', '2099-01-01T00:00:00Z'),
  createdBefore: fc.constantFrom('2001-01-01T00:00:00Z', '2099-01-01T00:00:00Z'),
  minSize: fc.nat(60).map((tens) => tens * 10),
  maxSize: fc.nat(60).map((tens) => tens * 10),
};

/** A few at a time: with more, hardly anything would match. */
const filters: fc.Arbitrary<AssetFilter> = fc
  .tuple(fc.subarray(Object.keys(VALUES), { maxLength: 3 }), fc.record(VALUES))
  .map(([names, values]) => Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name))));

const queries = fc.record({
  filter: filters,
  limit: fc.integer({ min: 1, max: 70 }),
  sort: fc.record({ field: fc.constantFrom('created', 'name', 'size', 'expires'), descending: fc.boolean() }),
});

/** The filters of `list`, said in plain JavaScript. */
function matches(asset: Asset, filter: AssetFilter): boolean {
  const now = new Date().toISOString();
  const isExpired = asset.expiresAt !== null && asset.expiresAt <= now;
  const expired = filter.expired ?? 'exclude';
  const status = filter.status ?? 'active';
  const before = filter.expiresBefore === undefined ? undefined : new Date(filter.expiresBefore).toISOString();
  return (
    (filter.assetType ?? asset.assetType) === asset.assetType &&
    (filter.projectId ?? asset.projectId) === asset.projectId &&
    (filter.userId ?? asset.userId) === asset.userId &&
    (filter.backend ?? asset.backend) === asset.backend &&
    (status === 'any' || status === asset.status) &&
    (filter.scanStatus ?? asset.virusScanStatus) === asset.virusScanStatus &&
    (filter.nameGlob === undefined || GLOBS[filter.nameGlob]?.test(asset.originalFilename) === true) &&
    Object.entries(filter.tags ?? {}).every(([name, value]) => asset.tags[name] === value) &&
    (filter.isPublic ?? asset.isPublic) === asset.isPublic &&
    (expired === 'include' || (expired === 'only') === isExpired) &&
    (before === undefined || (asset.expiresAt !== null && asset.expiresAt < before)) &&
    asset.createdAt >= (filter.createdAfter ?? '') &&
    asset.createdAt < (filter.createdBefore ?? '9') &&
    asset.fileSize >= (filter.minSize ?? 0) &&
    asset.fileSize <= (filter.maxSize ?? Number.POSITIVE_INFINITY)
  );
}

export function describeFilters(context: CatalogContext): void {
  describe('filters', () => {
    const alice = person(freshOrganization());
    let all: Asset[];

    beforeAll(async () => {
      await storeAssets(context.catalog(), alice, specs.slice(0, 30));
      await storeAssets(context.catalog(), alice, specs.slice(30));
      const time = '2030-01-01T00:00:00.000Z';
      const set = (column: string, size: number) =>
        context.query(
          context.url(),
          `update assets set ${column} = '${time}' where organization_id = '${alice.organization}' and file_size in (${size}, ${size + 10})`,
        );
      await set('trashed_at', 100);
      await set('quarantined_at', 110);
      await set('damaged_at', 120);
      const filter = { status: 'any', expired: 'include' } as const;
      all = (await context.catalog().assets.page({ organization: alice.organization }, { filter, limit: 100 })).assets;
      expect(all).toHaveLength(specs.length);
    });

    it('combine with AND, in every order, page by page', async () => {
      await fc.assert(
        fc.asyncProperty(queries, async (query) => {
          const expected = all.filter((asset) => matches(asset, query.filter));
          const found: Asset[] = [];
          let after: string | null | undefined;
          while (after !== null) {
            const cursor = after === undefined ? {} : { after };
            const page = await context
              .catalog()
              .assets.page({ organization: alice.organization }, { ...query, ...cursor });
            expect(page.assets.length).toBeLessThanOrEqual(query.limit);
            found.push(...page.assets);
            after = page.nextCursor;
          }
          expect(found.map((asset) => asset.id).sort()).toEqual(expected.map((asset) => asset.id).sort());
          expect(found).toEqual(found.toSorted(compareBy(query.sort.field, query.sort.descending)));
          const { count } = await context.catalog().assets.count({ organization: alice.organization }, query.filter);
          expect(count).toBe(expected.length);
        }),
        { numRuns: 200 },
      );
    });

    it.each([
      'yesterday-ish',
      'May 5, 2030',
      '2030-02-31T00:00:00Z',
      '9999-12-31T23:59:59-01:00',
      '0001-01-01T00:00:00+01:00',
    ])('refuse what is no time that is kept: %s', async (time) => {
      for (const name of ['createdAfter', 'createdBefore', 'expiresBefore']) {
        const query = { filter: { [name]: time }, limit: 1 };
        await expect(context.catalog().assets.page({ organization: 'x' }, query)).rejects.toMatchObject({
          code: 'USAGE',
        });
      }
      await expect(storeAssets(context.catalog(), alice, [{ expiresAt: time }])).rejects.toMatchObject({
        code: 'USAGE',
      });
    });
  });
}

function compareBy(field: string, descending: boolean): (a: Asset, b: Asset) => number {
  const key = (asset: Asset): string => {
    const tail = `${asset.createdAt}${asset.id}`;
    if (field === 'name') return `${Buffer.from(asset.originalFilename).toString('hex')}!${tail}`;
    if (field === 'size') return `${String(asset.fileSize).padStart(16, '0')}${tail}`;
    return field === 'expires' ? `${asset.expiresAt ?? '9999'}${tail}` : tail;
  };
  return (a, b) => (descending ? -1 : 1) * (key(a) < key(b) ? -1 : 1);
}
