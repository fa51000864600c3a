import { afterAll, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { AUDIT, person, storeAssets } from '../support/catalog-uploads.ts';
import { postgresDatabases } from '../support/postgres-databases.ts';
import { describeWithService } from '../support/services/index.ts';
import { temporaryDatabase } from '../support/sqlite-databases.ts';

const OPTIONS = { lockTimeout: 5000, migrate: 'auto' } as const;

async function rowsOf(catalog: Catalog): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const line of catalog.maintenance.exportLines()) {
    const value = JSON.parse(line);
    if ('row' in value) rows.push(value);
  }
  return rows;
}

await describeWithService('postgres', 'a catalog moves', ({ url: adminUrl }) => {
  const databases = postgresDatabases(adminUrl);
  const files = [temporaryDatabase('first.db'), temporaryDatabase('second.db')] as const;
  afterAll(async () => {
    await databases.dropAll();
    for (const file of files) file.remove();
  });

  it('from SQLite to PostgreSQL and back, row for row', async () => {
    const first = await openCatalog(files[0].url, OPTIONS);
    await first.backends.register('local', 'LOCAL');
    for (const organization of ['b', 'a', 'B', 'ä']) {
      const specs = Array.from({ length: 700 }, (_, index) => ({
        content: `${index % 600}`,
        originalFilename: `${index} \u{1F600}\u2028"`,
        isPublic: index % 9 === 0,
        tags: index % 3 === 0 ? { 'b b': 'z', a: '"\\' } : {},
        ...(index % 5 === 0 ? { expiresAt: '2031-01-01T00:00:00.001Z' } : {}),
      }));
      const assets = await storeAssets(first, person(organization), specs);
      const ids = assets.slice(0, 20).map((asset) => asset.id);
      await first.deletes.deleteAssets(person(organization), ids, 30, AUDIT);
    }
    const second = await openCatalog(await databases.create(), OPTIONS);
    await second.maintenance.importLines(first.maintenance.exportLines());
    const third = await openCatalog(files[1].url, OPTIONS);
    await third.maintenance.importLines(second.maintenance.exportLines());
    const rows = await rowsOf(first);
    expect(rows.length).toBeGreaterThan(4 * 700 * 3);
    expect(await rowsOf(second)).toEqual(rows);
    expect(await rowsOf(third)).toEqual(rows);
    for (const catalog of [first, second, third]) await catalog.close();
  });
});
