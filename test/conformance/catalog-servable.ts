import { describe, expect, it } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { AUDIT, freshOrganization, only, person, storeAssets } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';
import { keepFormerCopy } from './former-copy.ts';

/** What is handed out by a signed URL, and what no longer is. */
export function describeServable(context: CatalogContext): void {
  describe('what a signed URL leads to', () => {
    it('is stored and has an active, unexpired asset on it', async () => {
      const catalog = context.catalog();
      const alice = person(freshOrganization());
      const content = freshOrganization();
      const [first, second] = await storeAssets(catalog, alice, [{ content }, { content, expiresInSeconds: 1 }]);
      const path = parseStorageKey(first?.storagePath ?? '');
      const found = await catalog.assets.servable('local', path);
      expect(found).toMatchObject({ scanStatus: 'PENDING', object: { storagePath: path, size: content.length } });
      expect(await catalog.assets.servable('other', path)).toBeUndefined();
      expect(await catalog.assets.servable('local', parseStorageKey('no/such/key'))).toBeUndefined();
      await catalog.deletes.deleteAssets(alice, [first?.id ?? ''], 30, AUDIT);
      await expect.poll(() => catalog.assets.servable('local', path)).toBeUndefined();
      const gone = await catalog.assets.byIds(alice, [second?.id ?? '']);
      expect(gone).toHaveLength(1);
    });

    it('says when a public asset ends', async () => {
      const catalog = context.catalog();
      const alice = person(freshOrganization());
      const [asset] = await storeAssets(catalog, alice, [{ isPublic: true, expiresInSeconds: 60 }]);
      const found = await catalog.assets.servable('local', parseStorageKey(asset?.storagePath ?? ''));
      expect(found?.asset.expiresAt).toMatch(/^\d{4}-.*Z$/);
      expect(found?.asset.expiresAt).toBe(asset?.expiresAt);
    });

    it('is a former copy too, while its content has such an asset, a public one at its own address', async () => {
      const catalog = context.catalog();
      const alice = person(freshOrganization());
      const content = freshOrganization();
      const [own, open] = await storeAssets(catalog, alice, [{ content }, { content, isPublic: true }]);
      await storeAssets(catalog, person(freshOrganization()), [{ content }]);
      for (const { storagePath } of [own, open].flatMap((asset) => asset ?? [])) {
        await keepFormerCopy(context, storagePath);
      }
      const set = (asset: Asset | undefined, columns: string) =>
        context.query(context.url(), `update assets set ${columns} where id = '${asset?.id}'`);
      const shown = async () => {
        const at = (asset: Asset | undefined) =>
          catalog.assets.servable('old', parseStorageKey(asset?.storagePath ?? ''));
        return [(await at(own))?.object.state, (await at(open))?.object.state];
      };
      expect(await shown()).toEqual(['RETAINED', 'RETAINED']);
      await set(open, `expires_at = '2020-01-01T00:00:00.000Z'`);
      expect(await shown()).toEqual(['RETAINED', undefined]);
      await set(own, `trashed_at = '2030-01-01T00:00:00.000Z'`);
      expect(await shown()).toEqual([undefined, undefined]);
      await set(own, `trashed_at = null`);
      expect(await shown()).toEqual(['RETAINED', undefined]);
      await context.query(
        context.url(),
        `update objects set damaged_at = '2030-01-01T00:00:00.000Z' where storage_path = '${own?.storagePath}'`,
      );
      expect(await shown()).toEqual([undefined, undefined]);
    });

    it('is not infected', async () => {
      const catalog = context.catalog();
      const alice = person(freshOrganization());
      const asset = only(await storeAssets(catalog, alice, [{}]));
      const verdict = { status: 'INFECTED' as const, result: 'Eicar', signatureVersion: null };
      const key = { organizationId: alice.organization, sha256: asset.fileHash };
      await catalog.verdicts.record(alice, [{ ...key, verdict, onInfected: 'quarantine' }], AUDIT);
      expect(await catalog.assets.servable('local', parseStorageKey(asset.storagePath))).toBeUndefined();
    });
  });
}
