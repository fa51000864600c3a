import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AssetFilter, Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import type { OrganizationScope } from '../../src/core/identity.ts';
import { explainStatements } from '../support/explain-postgres.ts';
import { generatePostgresCatalog } from '../support/generate-postgres-catalog.ts';
import { postgresDatabases } from '../support/postgres-databases.ts';
import { describeWithService } from '../support/services/index.ts';

const DAY = 86_400_000;
const MOST_BUFFERS = 300;

const FILTERS: Record<string, AssetFilter> = {
  'no filter': {},
  type: { assetType: 'SEO_REPORT' },
  'a rare type': { assetType: 'BACKUP_FILE' },
  project: { projectId: 'project-7' },
  user: { userId: 'user-7' },
  backend: { backend: 'archive' },
  trashed: { status: 'trashed' },
  'any status': { status: 'any' },
  'scan status': { scanStatus: 'CLEAN' },
  'a few names': { nameGlob: 'seo_report-0912*' },
  'many names': { nameGlob: 's*' },
  tag: { tags: { branch: 'feature-7' } },
  public: { isPublic: true },
  private: { isPublic: false },
  expired: { expired: 'only' },
  'expired or not': { expired: 'include' },
  'created after': { createdAfter: new Date(Date.now() - 30 * DAY).toISOString() },
  'created before': { createdBefore: new Date(Date.now() - 800 * DAY).toISOString() },
  'large ones': { minSize: 10_000_000 },
  'soon expired': { expiresBefore: new Date(Date.now() + 56 * DAY).toISOString() },
  'none so large': { minSize: 10 ** 12 },
  'small ones': { maxSize: 149 },
  'few small ones': { maxSize: 106 },
};

await describeWithService('postgres', 'a large PostgreSQL catalog', ({ url: adminUrl }) => {
  const databases = postgresDatabases(adminUrl);
  let url: string;
  let catalog: Catalog;

  beforeAll(async () => {
    url = await databases.create();
    catalog = await openCatalog(url, { lockTimeout: 5000, migrate: 'auto' });
    await generatePostgresCatalog(url, { assets: 60_000, organizations: 4 });
  }, 120_000);
  afterAll(async () => {
    await catalog?.close();
    await databases.dropAll();
  });

  const scopes: Record<string, OrganizationScope> = {
    'one organisation': { organization: 'org-1' },
    'all organisations': { allOrganizations: true },
  };
  const lists = Object.keys(FILTERS).flatMap((name) => Object.keys(scopes).map((of) => [name, of] as const));

  it.each(lists)('lists %s of %s, first and later pages, by its own indexes alone', async (name, of) => {
    const filter = FILTERS[name] ?? {};
    const scope = scopes[of] ?? { organization: '' };
    let after: string | undefined;
    for (let page = 1; page <= 2; page += 1) {
      const costs = await explainStatements(url, async () => {
        const query = { filter, limit: 50, ...(after === undefined ? {} : { after }) };
        after = (await catalog.assets.page(scope, query)).nextCursor ?? undefined;
      });
      expect(costs.length).toBeGreaterThan(0);
      expect(costs.flatMap((cost) => cost.scanned)).toEqual([]);
      const used = costs.flatMap((cost) => cost.plan.match(/\b(assets|asset_tags)_(all|by)_?\w*/g) ?? []);
      expect(used.filter((index) => index.includes('_all') !== (of === 'all organisations'))).toEqual([]);
      const buffers = costs.reduce((sum, cost) => sum + cost.buffers, 0);
      expect(buffers, costs.map((cost) => `${cost.buffers}: ${cost.text}`).join('\n')).toBeLessThanOrEqual(
        MOST_BUFFERS,
      );
      if (after === undefined) break;
    }
  });

  it.each(['few small ones', 'soon expired'])(
    'gathers %s instead of walking to them, which a glance alone cannot tell',
    async (name) => {
      const filter = FILTERS[name] ?? {};
      const scope = { allOrganizations: true } as const;
      const costs = await explainStatements(url, () => catalog.assets.page(scope, { filter, limit: 50 }));
      expect(costs.reduce((sum, cost) => sum + cost.buffers, 0)).toBeLessThanOrEqual(120);
    },
  );
});
