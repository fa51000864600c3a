import { describe, expect, it } from 'vitest';
import type { TransformedOriginal } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import type { Asset } from '../../src/core/asset.ts';
import type { Identity } from '../../src/core/identity.ts';
import {
  AUDIT,
  commitFor,
  freshOrganization,
  hashOf,
  only,
  person,
  requestFor,
  storeAssets,
  upload,
} from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

const AVATAR = '1:512x512:keep:q82';
const LOGO = '1:1024x1024:keep:q82';

function original(photograph: string, profile = AVATAR): TransformedOriginal {
  return { sha256: hashOf(photograph), profile };
}

/** What images were before their profile made of them what is stored. */
export function describeOriginals(context: CatalogContext): void {
  const known = (identity: Identity, asked: TransformedOriginal, backend = 'local') =>
    context.catalog().assets.knownResult(identity.organization, backend, asked);
  const remove = (identity: Identity, assets: readonly (Asset | undefined)[]) =>
    context.catalog().deletes.deleteAssets(
      identity,
      assets.flatMap((asset) => asset?.id ?? []),
      30,
      AUDIT,
    );
  const run = (statement: string) => context.query(context.url(), statement);
  const rowsOf = ({ organization }: Identity) =>
    run(`select * from originals where organization_id = '${organization}'`);

  describe('originals', () => {
    it('lead to what was made of them, however many became the same content', async () => {
      const alice = person(freshOrganization());
      const [asset] = await storeAssets(context.catalog(), alice, [
        { content: 'small', mimeType: 'image/jpeg', original: original('one') },
        { content: 'small', mimeType: 'image/jpeg', original: original('two') },
      ]);
      await storeAssets(context.catalog(), alice, [{ content: 'small', original: original('one', LOGO) }]);
      for (const asked of [original('one'), original('two'), original('one', LOGO)]) {
        expect(await known(alice, asked)).toMatchObject({
          kind: 'stored',
          mimeType: 'image/jpeg',
          object: { sha256: hashOf('small'), storagePath: asset?.storagePath, state: 'STORED' },
        });
      }
      expect(await known(alice, original('two', LOGO))).toBeUndefined();
      await storeAssets(context.catalog(), alice, [{ content: 'small', original: original('one') }]);
      expect(await rowsOf(alice)).toHaveLength(3);
    });

    it('that are best as they came are known as that in every backend', async () => {
      const alice = person(freshOrganization());
      await storeAssets(context.catalog(), alice, [
        { content: 'plain', original: original('plain') },
        { content: 'plain', original: original('plain', LOGO) },
      ]);
      for (const asked of [original('plain'), original('plain', LOGO)]) {
        expect(await known(alice, asked)).toEqual({ kind: 'as-it-came' });
        expect(await known(alice, asked, 'elsewhere')).toEqual({ kind: 'as-it-came' });
      }
    });

    it('are known within their organisation alone, and where what was made of them is stored', async () => {
      const alice = person(freshOrganization());
      const stranger = person(freshOrganization());
      const specs = [
        { content: 'small', original: original('one') },
        { content: 'plain', original: original('plain') },
      ];
      await storeAssets(context.catalog(), alice, specs);
      await storeAssets(
        context.catalog(),
        stranger,
        specs.map(({ content }) => ({ content })),
      );
      expect(await known(stranger, original('one'))).toBeUndefined();
      expect(await known(stranger, original('plain'))).toBeUndefined();
      expect(await known(alice, original('one'), 'elsewhere')).toBeUndefined();
      await storeAssets(context.catalog(), alice, [{ content: 'small', backend: 'elsewhere' }]);
      expect(await known(alice, original('one'), 'elsewhere')).toMatchObject({ object: { backend: 'elsewhere' } });
    });

    it('lead to a private copy, else to a public one, never to a damaged one', async () => {
      const alice = person(freshOrganization());
      const spec = { content: 'small', original: original('one') };
      await storeAssets(context.catalog(), alice, [{ ...spec, isPublic: true }]);
      expect(await known(alice, original('one'))).toMatchObject({ object: { isPublic: true } });
      await storeAssets(context.catalog(), alice, [{ content: 'small' }]);
      expect(await known(alice, original('one'))).toMatchObject({ object: { isPublic: false } });
      const damage = (which: string) =>
        run(
          `update objects set damaged_at = created_at where organization_id = '${alice.organization}' and is_public = ${which}`,
        );
      await damage('false');
      expect(await known(alice, original('one'))).toMatchObject({ object: { isPublic: true } });
      await damage('true');
      expect(await known(alice, original('one'))).toBeUndefined();
    });

    it('are forgotten with the last asset of their content, trashed ones included', async () => {
      const alice = person(freshOrganization(), { role: 'admin' });
      const specs = ['one', 'two'].map((photograph) => ({ content: 'small', original: original(photograph) }));
      const [first, second] = await storeAssets(context.catalog(), alice, specs);
      const [other] = await storeAssets(context.catalog(), alice, [
        { content: 'small', backend: 'elsewhere' },
        { content: 'other', original: original('other') },
      ]);
      await remove(alice, [first]);
      expect(await known(alice, original('one'))).toMatchObject({ kind: 'stored' });
      await context.catalog().lifecycle.trash(alice, [second?.id ?? ''], 3600, AUDIT);
      await remove(alice, [other]);
      expect(await known(alice, original('two'))).toMatchObject({ kind: 'stored' });
      await run(`update assets set trash_ends_at = '2020-01-01T00:00:00.000Z' where id = '${second?.id}'`);
      const due = { organization: alice.organization, kind: 'trash', backends: ['local'] } as const;
      expect(await context.catalog().purge.take(alice, due, 9, 30, AUDIT)).toHaveLength(1);
      expect(await rowsOf(alice)).toMatchObject([{ sha256: hashOf('other') }]);
    });

    it("of another organisation's equal content stay", async () => {
      const [alice, stranger] = [person(freshOrganization()), person(freshOrganization())];
      const spec = { content: 'small', original: original('one') };
      const [own] = await storeAssets(context.catalog(), alice, [spec]);
      await storeAssets(context.catalog(), stranger, [spec]);
      await remove(alice, [own]);
      expect(await rowsOf(alice)).toEqual([]);
      expect(await known(stranger, original('one'))).toMatchObject({ kind: 'stored' });
    });

    it('are kept of what was committed alone', async () => {
      const alice = person(freshOrganization());
      const spec = { content: 'small', original: original('one') };
      const request = requestFor(alice, spec);
      const reservation = only(await context.catalog().uploads.reserve([request], 30));
      expect(await rowsOf(alice)).toEqual([]);
      await run(`update content_verdicts set status = 'INFECTED' where organization_id = '${alice.organization}'`);
      const commit = commitFor(alice, spec, request, reservation);
      expect(await context.catalog().uploads.commit(alice, [commit], AUDIT)).toMatchObject([{ kind: 'infected' }]);
      expect(await rowsOf(alice)).toEqual([]);
    });

    it('are there exactly while an asset of their content is, whoever uploads and deletes at once', async () => {
      const alice = person(freshOrganization());
      const open = () => openCatalog(context.url(), { lockTimeout: 30_000, migrate: 'auto' });
      const catalogs = await Promise.all([open(), open(), open(), open()]);
      const work = catalogs.map(async (catalog, worker) => {
        for (let round = 0; round < 12; round += 1) {
          const specs = [0, 1].map((step) => {
            const which = (worker + round * step) % 3;
            return { content: `content ${which}`, original: original(`photograph ${which}`) };
          });
          const results = await upload(catalog, alice, specs);
          const ids = results.flatMap((result) => (result.kind === 'committed' ? result.asset.id : []));
          await catalog.deletes.deleteAssets(alice, round % 3 === 0 ? ids.slice(1) : ids, 30, AUDIT);
          const left = await catalog.assets.page({ organization: alice.organization }, { filter: {}, limit: 1 });
          const last = left.assets.map(({ id }) => id);
          await catalog.deletes.deleteAssets(alice, last, 30, AUDIT);
        }
      });
      await Promise.all(work);
      await Promise.all(catalogs.map((catalog) => catalog.close()));
      const contents = (rows: Record<string, unknown>[]) => rows.map((row) => row['sha256']);
      const kept = await run(
        `select distinct file_hash as sha256 from assets where organization_id = '${alice.organization}' order by 1`,
      );
      const remembered = await run(
        `select sha256 from originals where organization_id = '${alice.organization}' order by 1`,
      );
      expect(contents(remembered)).toEqual(contents(kept));
    });
  });
}
