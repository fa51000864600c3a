import { describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { AUDIT, freshOrganization, person, storeAssets, upload } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

export function describeRaces(context: CatalogContext): void {
  const openMany = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () => openCatalog(context.url(), { lockTimeout: 30_000, migrate: 'auto' })),
    );
  const closeAll = (catalogs: readonly Catalog[]) => Promise.all(catalogs.map((catalog) => catalog.close()));

  describe('races', () => {
    it('many connections upload the same contents at once: one stored copy each, no error', async () => {
      const alice = person(freshOrganization());
      const contents = Array.from({ length: 40 }, (_, index) => ({ content: `content ${index}` }));
      const catalogs = await openMany(4);
      const results = await Promise.all(
        catalogs.map((catalog, index) => upload(catalog, alice, index % 2 === 0 ? contents : contents.toReversed())),
      );
      await closeAll(catalogs);
      expect(results.flat().filter((result) => result.kind === 'committed')).toHaveLength(160);
      expect(results.flat().filter((result) => result.kind === 'committed' && !result.deduplicated)).toHaveLength(40);
      const states = await context.query(
        context.url(),
        `select state, count(*) as n from objects where organization_id = '${alice.organization}' and state = 'STORED' group by state`,
      );
      expect(states.map((row) => Number(row['n']))).toEqual([40]);
    });

    it('uploads and deletes of the same content leave every asset on STORED bytes', async () => {
      const alice = person(freshOrganization());
      const catalogs = await openMany(4);
      const work = catalogs.map(async (catalog, worker) => {
        for (let round = 0; round < 15; round += 1) {
          const specs = [{ content: `shared ${(worker + round) % 3}` }, { content: `shared ${round % 3}` }];
          const results = await upload(catalog, alice, specs);
          const ids = results.flatMap((result) => (result.kind === 'committed' ? [result.asset.id] : []));
          const deleted = await catalog.deletes.deleteAssets(alice, ids.slice(round % 2), 30, AUDIT);
          const gone = deleted.flatMap((result) =>
            result.kind === 'deleted' && result.removable !== undefined ? [result.removable] : [],
          );
          await catalog.deletes.finish(gone);
        }
      });
      await Promise.all(work);
      await closeAll(catalogs);
      const wrong = await context.query(
        context.url(),
        `select a.id from assets a join objects o on o.id = a.object_id
         where a.organization_id = '${alice.organization}' and o.state <> 'STORED'`,
      );
      expect(wrong).toEqual([]);
      const unused = await context.query(
        context.url(),
        `select o.id from objects o where o.organization_id = '${alice.organization}' and o.state = 'STORED'
         and not exists (select 1 from assets a where a.object_id = o.id)`,
      );
      expect(unused).toEqual([]);
    });

    it('one of two deletes of an asset wins', async () => {
      const alice = person(freshOrganization());
      const [asset] = await storeAssets(context.catalog(), alice, [{}]);
      const catalogs = await openMany(2);
      const results = await Promise.all(
        catalogs.map((catalog) => catalog.deletes.deleteAssets(alice, [asset?.id ?? ''], 30, AUDIT)),
      );
      await closeAll(catalogs);
      expect(
        results
          .flat()
          .map((result) => result.kind)
          .sort(),
      ).toEqual(['deleted', 'refused']);
    });
  });
}
