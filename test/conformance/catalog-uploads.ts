import { describe, expect, it } from 'vitest';
import type { UploadCommitResult } from '../../src/catalog/catalog.ts';
import {
  AUDIT,
  commitFor,
  factsOf,
  freshOrganization,
  hashOf,
  only,
  person,
  requestFor,
  storeAssets,
  type UploadSpec,
  upload,
} from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

export function describeUploads(context: CatalogContext): void {
  const reserve = async (identity: ReturnType<typeof person>, spec: UploadSpec, exceptObjectId?: string) => {
    const request = { ...requestFor(identity, spec), ...(exceptObjectId === undefined ? {} : { exceptObjectId }) };
    const reservation = only(await context.catalog().uploads.reserve([request], 30));
    return { request, reservation, commit: () => commitFor(identity, spec, request, reservation) };
  };
  const commit = async (identity: ReturnType<typeof person>, one: Awaited<ReturnType<typeof reserve>>) =>
    only(await context.catalog().uploads.commit(identity, [one.commit()], AUDIT));
  const objectRows = (organization: string) =>
    context.query(
      context.url(),
      `select id, state, claim, damaged_at from objects where organization_id = '${organization}' order by created_at`,
    );

  describe('uploads', () => {
    it('reserve objects together whose ids begin alike', async () => {
      const alice = person(freshOrganization());
      const requests = ['one', 'two', 'three'].map((content) => requestFor(alice, { content }));
      const reservations = await context.catalog().uploads.reserve(requests, 30);
      const ids = reservations.map((reservation) => (reservation.kind === 'store' ? reservation.objectId : ''));
      expect(new Set(ids).size).toBe(3);
      expect(new Set(ids.map((id) => id.slice(0, 8))).size).toBe(1);
    });

    it('store new content: the asset as it was given, its object and its event', async () => {
      const alice = person(freshOrganization());
      const spec = {
        content: 'new',
        originalFilename: '✓ "odd"\nname .txt',
        projectId: 'web',
        tags: { path: 'a/b.txt', ключ: '値' },
        expiresAt: '2031-05-06T07:08:09Z',
        scanResultId: 'scan-1',
      };
      const asset = only(await storeAssets(context.catalog(), alice, [spec]));
      expect(asset).toMatchObject({
        originalFilename: spec.originalFilename,
        fileSize: 3,
        fileHash: hashOf('new'),
        organizationId: alice.organization,
        userId: 'alice',
        projectId: 'web',
        scanResultId: 'scan-1',
        tags: spec.tags,
        expiresAt: '2031-05-06T07:08:09.000Z',
        virusScanStatus: 'PENDING',
        virusScanResult: null,
        isPublic: false,
        status: 'active',
        downloadCount: 0,
        lastAccessedAt: null,
        trashedAt: null,
      });
      expect(asset.storagePath.endsWith(asset.filename)).toBe(true);
      expect(asset.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      const found = only(await context.catalog().assets.byIds(alice, [asset.id]));
      expect(found.asset).toEqual(asset);
      expect(found.object).toMatchObject({
        state: 'STORED',
        claim: null,
        leaseExpiresAt: null,
        etag: expect.any(String),
      });
      const { events } = await context.catalog().audit.page({ organization: alice.organization }, {}, 10);
      expect(only(events)).toMatchObject({
        action: 'uploaded',
        actor: 'alice',
        assetId: asset.id,
        outcome: 'success',
        host: AUDIT.host,
        correlationId: AUDIT.correlationId,
        details: { fileHash: hashOf('new'), deduplicated: false },
      });
    });

    it('attach to content that the backend holds, in the organisation only', async () => {
      const alice = person(freshOrganization());
      const first = only(await storeAssets(context.catalog(), alice, [{ content: 'same' }]));
      const again = only(await upload(context.catalog(), alice, [{ content: 'same' }]));
      expect(again).toMatchObject({ kind: 'committed', deduplicated: true });
      expect(committed(again).storagePath).toBe(first.storagePath);
      const elsewhere = only(await upload(context.catalog(), alice, [{ content: 'same', backend: 'other' }]));
      expect(elsewhere).toMatchObject({ kind: 'committed', deduplicated: false });
      const stranger = only(await upload(context.catalog(), person(freshOrganization()), [{ content: 'same' }]));
      expect(stranger).toMatchObject({ kind: 'committed', deduplicated: false });
    });

    it('make one object of equal contents in one call', async () => {
      const alice = person(freshOrganization());
      const results = await upload(context.catalog(), alice, [{ content: 'x' }, { content: 'y' }, { content: 'x' }]);
      expect(results.map((result) => result.kind === 'committed' && result.deduplicated)).toEqual([false, false, true]);
      expect(await objectRows(alice.organization)).toHaveLength(2);
    });

    it('give every public asset an object of its own', async () => {
      const alice = person(freshOrganization());
      const specs = [{ content: 'p' }, { content: 'p', isPublic: true }, { content: 'p', isPublic: true }];
      const assets = await storeAssets(context.catalog(), alice, specs);
      expect(new Set(assets.map((asset) => asset.storagePath)).size).toBe(3);
    });

    it('let the first of two writers win; the other attaches and discards its own bytes', async () => {
      const alice = person(freshOrganization());
      const one = await reserve(alice, { content: 'race' });
      const two = await reserve(alice, { content: 'race' });
      expect([one.reservation.kind, two.reservation.kind]).toEqual(['store', 'store']);
      const won = await commit(alice, one);
      const second = await commit(alice, two);
      expect(won).not.toHaveProperty('discard');
      expect(second).toMatchObject({
        kind: 'committed',
        deduplicated: true,
        discard: { backend: 'local', storagePath: two.request.storagePath },
      });
      expect(committed(second).storagePath).toBe(one.request.storagePath);
      expect((await objectRows(alice.organization)).map((row) => row['state']).sort()).toEqual(['DELETING', 'STORED']);
      if (second.kind !== 'committed' || second.discard === undefined) throw new Error('nothing to discard');
      await context.catalog().deletes.finish([second.discard]);
      expect(await objectRows(alice.organization)).toHaveLength(1);
    });

    it('are lost without their claim', async () => {
      const alice = person(freshOrganization());
      const one = await reserve(alice, { content: 'fenced' });
      if (one.reservation.kind !== 'store') throw new Error('not stored');
      const { objectId } = one.reservation;
      const stolen = await context.catalog().uploads.abandon([one.reservation], 30);
      expect(stolen).toMatchObject([{ objectId, storagePath: one.request.storagePath }]);
      expect(await commit(alice, one)).toEqual({ kind: 'lost' });
      const fresh = await reserve(alice, { content: 'fenced' });
      const forged = { ...fresh.commit() };
      forged.object = { ...forged.object, claim: AUDIT.correlationId } as typeof forged.object;
      expect(await context.catalog().uploads.commit(alice, [forged], AUDIT)).toEqual([{ kind: 'lost' }]);
      const page = await context.catalog().assets.page({ organization: alice.organization }, { filter: {}, limit: 5 });
      expect(page.assets).toEqual([]);
    });

    it('do not attach to what has changed, been damaged or gone meanwhile', async () => {
      const alice = person(freshOrganization());
      await storeAssets(context.catalog(), alice, [{ content: 'moving' }]);
      const attach = await reserve(alice, { content: 'moving' });
      const wish = attach.commit();
      if (wish.object.kind !== 'attach') throw new Error('not attached');
      const other = { ...wish, object: { ...wish.object, etag: 'another' } };
      expect(await context.catalog().uploads.commit(alice, [other], AUDIT)).toEqual([{ kind: 'lost' }]);
      await context.query(
        context.url(),
        `update objects set damaged_at = '2030-01-01T00:00:00.000Z' where id = '${wish.object.objectId}'`,
      );
      expect(await commit(alice, attach)).toEqual({ kind: 'lost' });
      expect((await reserve(alice, { content: 'moving' })).reservation.kind).toBe('store');
    });

    it('replace a stored copy that was found damaged, with all its assets', async () => {
      const alice = person(freshOrganization());
      const before = await storeAssets(context.catalog(), alice, [{ content: 'bad' }, { content: 'bad' }]);
      const found = await reserve(alice, { content: 'bad' });
      if (found.reservation.kind !== 'attach') throw new Error('not attached');
      const damagedId = found.reservation.object.id;
      const repair = await reserve(alice, { content: 'bad' }, damagedId);
      if (repair.reservation.kind !== 'store') throw new Error('not stored');
      const object = {
        ...repair.reservation,
        facts: factsOf(repair.request, { etag: 'fresh' }),
        replacesObjectId: damagedId,
      };
      const result = only(await context.catalog().uploads.commit(alice, [{ ...repair.commit(), object }], AUDIT));
      expect(result).toMatchObject({ kind: 'committed', deduplicated: false });
      const moved = await context.catalog().assets.byIds(
        alice,
        before.map((asset) => asset.id),
      );
      expect(moved.map(({ asset, object: now }) => [asset.storagePath, now.etag, asset.status])).toEqual([
        [repair.request.storagePath, 'fresh', 'active'],
        [repair.request.storagePath, 'fresh', 'active'],
      ]);
      const rows = await objectRows(alice.organization);
      expect(rows.find((row) => row['id'] === damagedId)).toMatchObject({ state: 'RETAINED' });
      const { events } = await context
        .catalog()
        .audit.page({ organization: alice.organization }, { action: 'repaired' }, 10);
      expect(events.map((event) => event.assetId).sort()).toEqual(before.map((asset) => asset.id).sort());
    });

    it('refuse content that is known as infected, before and after it was stored', async () => {
      const alice = person(freshOrganization());
      const early = await reserve(alice, { content: 'eicar' });
      await context.query(
        context.url(),
        `update content_verdicts set status = 'INFECTED', result = 'Eicar-Test' where organization_id = '${alice.organization}'`,
      );
      expect(await commit(alice, early)).toMatchObject({
        kind: 'infected',
        result: 'Eicar-Test',
        discard: { storagePath: early.request.storagePath },
      });
      const late = await reserve(alice, { content: 'eicar' });
      expect(late.reservation).toEqual({ kind: 'infected', result: 'Eicar-Test' });
    });

    it('take the scan status from the verdict of the content', async () => {
      const alice = person(freshOrganization());
      await storeAssets(context.catalog(), alice, [{ content: 'clean' }]);
      await context.query(
        context.url(),
        `update content_verdicts set status = 'CLEAN' where organization_id = '${alice.organization}'`,
      );
      const asset = only(await storeAssets(context.catalog(), alice, [{ content: 'clean' }]));
      expect(asset.virusScanStatus).toBe('CLEAN');
    });

    it('renew a lease for as long as the claim is theirs', async () => {
      const alice = person(freshOrganization());
      const request = requestFor(alice, { content: 'slow' });
      const reservation = only(await context.catalog().uploads.reserve([request], 0));
      if (reservation.kind !== 'store') throw new Error('not stored');
      const before = await context.catalog().maintenance.status();
      expect(before.expiredLeases.pending).toBeGreaterThan(0);
      await context.catalog().uploads.renew([{ ...reservation, claim: AUDIT.correlationId }], 3600);
      expect((await context.catalog().maintenance.status()).expiredLeases).toEqual(before.expiredLeases);
      await context.catalog().uploads.renew([reservation], 3600);
      expect((await context.catalog().maintenance.status()).expiredLeases.pending).toBe(
        before.expiredLeases.pending - 1,
      );
    });

    it('find own earlier uploads of the same type, project, name and content', async () => {
      const alice = person(freshOrganization());
      const [first, , expired] = await storeAssets(context.catalog(), alice, [
        { content: 'again' },
        { content: 'again' },
        { content: 'late', expiresAt: '2001-01-01T00:00:00Z' },
      ]);
      await storeAssets(context.catalog(), person(alice.organization, { user: 'bob' }), [{ content: 'of bob' }]);
      const wish = { assetType: 'SEO_REPORT', projectId: null, originalFilename: 'report.txt', isPublic: false };
      const found = await context.catalog().assets.sameUploads(alice, [
        { ...wish, fileHash: hashOf('again') },
        { ...wish, fileHash: hashOf('again'), projectId: 'web' },
        { ...wish, fileHash: expired?.fileHash ?? '' },
        { ...wish, fileHash: hashOf('of bob') },
      ]);
      expect(found[0]?.createdAt).toBe(first?.createdAt);
      expect(found.slice(1)).toEqual([undefined, undefined, undefined]);
      const hashes = [hashOf('again'), hashOf('never')];
      const stored = await context.catalog().assets.storedHashes(alice.organization, 'local', hashes);
      expect([...stored]).toEqual([hashOf('again')]);
    });
  });
}

function committed(result: UploadCommitResult) {
  if (result.kind !== 'committed') throw new Error(`not committed: ${result.kind}`);
  return result.asset;
}
