import { describe, expect, it } from 'vitest';
import type { MoveCommit, MoveResult, ObjectRecord, Visibility } from '../../src/catalog/catalog.ts';
import type { Asset } from '../../src/core/asset.ts';
import type { Identity } from '../../src/core/identity.ts';
import { AUDIT, freshOrganization, only, person, requestFor, storeAssets } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';
import { copyFacts } from './catalog-moves.ts';

const CDN_URL = 'https://cdn.example.com/public/picture.png';
const SHOWN: Visibility = { isPublic: true, requiresVerdict: false };
const HIDDEN: Visibility = { isPublic: false, requiresVerdict: false };

/** Publish and unpublish: one asset leaves its bytes for others. */
export function describeVisibility(context: CatalogContext): void {
  const run = (statement: string) => context.query(context.url(), statement);
  const allowed = async (identity: Identity, asset: Asset, visibility: Visibility) =>
    only(await context.catalog().lifecycle.changeVisibility(identity, [asset.id], visibility, AUDIT));
  const reasonOf = async (identity: Identity, asset: Asset, visibility: Visibility) => {
    const change = await allowed(identity, asset, visibility);
    return change.kind === 'refused' ? change.reason : change.kind;
  };
  const objectOf = async (identity: Identity, { id }: Asset): Promise<ObjectRecord> =>
    only(await context.catalog().assets.byIds(identity, [id])).object;
  const reserve = async (identity: Identity, source: ObjectRecord, isPublic: boolean) => {
    const { storagePath } = requestFor(identity, { isPublic });
    const { backend } = source;
    const request = { sourceObjectId: source.id, backend, storageProvider: 'LOCAL' as const, storagePath, isPublic };
    return only(await context.catalog().moves.begin([request], 30));
  };
  const move = async (identity: Identity, asset: Asset, visibility: Visibility): Promise<MoveResult> => {
    const { isPublic } = visibility;
    const reservation = await reserve(identity, await objectOf(identity, asset), isPublic);
    if (reservation.kind === 'skipped') throw new Error(reservation.reason);
    const { source } = reservation;
    const target: MoveCommit['target'] =
      reservation.kind === 'use'
        ? { kind: 'use', objectId: reservation.object.id, etag: reservation.object.etag }
        : { ...reservation, facts: copyFacts(source) };
    const change = { kind: 'visibility', cdnUrl: isPublic ? CDN_URL : null, ...visibility } as const;
    const commit: MoveCommit = {
      source,
      target,
      carry: { kind: 'one', assetId: asset.id, change },
      sourceEnd: { kind: 'delete' },
      audit: { action: isPublic ? 'published' : 'unpublished', details: {} },
    };
    return context.catalog().moves.commit(identity, commit, 30, AUDIT);
  };
  const objectsOf = async ({ organization }: Identity) =>
    (await run(`select is_public, state from objects where organization_id = '${organization}' order by 1, 2`)).map(
      (row) => `${row['is_public'] === 1 || row['is_public'] === true ? 'public' : 'private'} ${row['state']}`,
    );
  const eventsOf = async ({ organization }: Identity, action: string) =>
    (await context.catalog().audit.page({ organization }, { action }, 9)).events;

  describe('publishing', () => {
    it('carries one asset over and leaves the bytes to the others', async () => {
      const alice = person(freshOrganization());
      const [one, two] = await storeAssets(context.catalog(), alice, [{ content: 'shared' }, { content: 'shared' }]);
      if (one === undefined || two === undefined) throw new Error('nothing stored');
      expect(await allowed(alice, one, SHOWN)).toMatchObject({ kind: 'move-needed', found: { asset: { id: one.id } } });
      const result = await move(alice, one, SHOWN);
      expect(result).toMatchObject({ kind: 'moved', assets: [{ id: one.id, isPublic: true, cdnUrl: CDN_URL }] });
      expect(result).not.toHaveProperty('removable');
      expect((await objectOf(alice, two)).isPublic).toBe(false);
      expect(await objectsOf(alice)).toEqual(['private STORED', 'public STORED']);
      expect(await eventsOf(alice, 'published')).toMatchObject([
        { assetId: one.id, outcome: 'success', details: { cdnUrl: CDN_URL, isPublic: true } },
      ]);
    });

    it('frees the private bytes of the last, and its public address when it goes back', async () => {
      const alice = person(freshOrganization());
      const asset = only(await storeAssets(context.catalog(), alice, [{}]));
      expect(await move(alice, asset, SHOWN)).toMatchObject({ removable: { storagePath: asset.storagePath } });
      const shown = only(await context.catalog().assets.byIds(alice, [asset.id])).asset;
      const back = await move(alice, asset, HIDDEN);
      expect(back).toMatchObject({
        assets: [{ id: asset.id, isPublic: false, cdnUrl: null }],
        removable: { storagePath: shown.storagePath },
      });
      expect(await objectsOf(alice)).toEqual(['private DELETING', 'private STORED', 'public DELETING']);
      expect(await eventsOf(alice, 'unpublished')).toMatchObject([{ assetId: asset.id, details: { cdnUrl: null } }]);
      if (back.kind !== 'moved' || back.removable === undefined) throw new Error('nothing to remove');
      await context.catalog().deletes.finish([back.removable]);
      const late = { ...requestFor(alice, { isPublic: true }), storagePath: back.removable.storagePath };
      const request = { ...late, sourceObjectId: back.target.id };
      expect(await context.catalog().moves.begin([request], 30)).toEqual([
        { kind: 'skipped', reason: 'address-taken' },
      ]);
    });

    it('takes an asset back to private bytes that are there, unless they are damaged', async () => {
      const alice = person(freshOrganization());
      const [shown, hidden] = await storeAssets(context.catalog(), alice, [
        { content: 'both', isPublic: true },
        { content: 'both' },
      ]);
      if (shown === undefined || hidden === undefined) throw new Error('nothing stored');
      const damage = (time: string) =>
        run(`update objects set damaged_at = ${time} where storage_path = '${hidden.storagePath}'`);
      await damage(`'2030-01-01T00:00:00.000Z'`);
      expect(await reserve(alice, await objectOf(alice, shown), false)).toEqual({
        kind: 'skipped',
        reason: 'target-damaged',
      });
      await damage('null');
      expect(await move(alice, shown, HIDDEN)).toMatchObject({
        kind: 'moved',
        target: { storagePath: hidden.storagePath },
      });
      expect(await objectsOf(alice)).toEqual(['private STORED', 'public DELETING']);
    });

    it('is refused by the rules of the policy and the state of the asset', async () => {
      const alice = person(freshOrganization());
      const [asset, other] = await storeAssets(context.catalog(), alice, [{}, {}]);
      if (asset === undefined || other === undefined) throw new Error('nothing stored');
      const setAsset = (columns: string) => run(`update assets set ${columns} where id = '${asset.id}'`);
      const bob = person(alice.organization, { user: 'bob' });
      expect(await reasonOf(bob, asset, SHOWN)).toBe('denied');
      expect(await reasonOf(person(alice.organization, { user: 'eve', role: 'admin' }), asset, SHOWN)).toBe(
        'move-needed',
      );
      expect(await reasonOf(person(freshOrganization(), { role: 'admin' }), asset, SHOWN)).toBe('missing');
      expect(await reasonOf(alice, asset, { ...SHOWN, requiresVerdict: true })).toBe('unjudged');
      await setAsset(`trashed_at = '2030-01-01T00:00:00.000Z'`);
      expect(await reasonOf(alice, asset, SHOWN)).toBe('in-trash');
      await setAsset(`trashed_at = null, expires_at = '2020-01-01T00:00:00.000Z'`);
      expect(await reasonOf(alice, asset, SHOWN)).toBe('expired');
      await setAsset(`expires_at = null, virus_scan_status = 'INFECTED'`);
      expect(await reasonOf(alice, asset, SHOWN)).toBe('infected');
      const events = await eventsOf(alice, 'published');
      expect(events.map(({ details }) => details['reason']).sort()).toEqual(
        ['denied', 'expired', 'in-trash', 'infected', 'unjudged'].sort(),
      );
      expect(await reasonOf(alice, other, HIDDEN)).toBe('changed');
      expect(await eventsOf(alice, 'unpublished')).toEqual([]);
    });

    it('is undone if the asset may no longer be shown at its commit', async () => {
      const alice = person(freshOrganization());
      const asset = only(await storeAssets(context.catalog(), alice, [{}]));
      await run(`update assets set expires_at = '2020-01-01T00:00:00.000Z' where id = '${asset.id}'`);
      expect(await move(alice, asset, SHOWN)).toMatchObject({ kind: 'undone', reason: 'expired', discard: {} });
      await run(`update assets set expires_at = null where id = '${asset.id}'`);
      await run(`update content_verdicts set status = 'INFECTED' where organization_id = '${alice.organization}'`);
      expect(await move(alice, asset, SHOWN)).toMatchObject({ kind: 'undone', reason: 'infected', discard: {} });
      expect((await objectOf(alice, asset)).isPublic).toBe(false);
    });

    it('keeps what an image was made of, by which the same photograph is recognised', async () => {
      const alice = person(freshOrganization());
      const original = { sha256: 'ab'.repeat(32), profile: '1:512x512:keep:q82' };
      const asset = only(await storeAssets(context.catalog(), alice, [{ original }]));
      const known = () => context.catalog().assets.knownResult(alice.organization, asset.backend, original);
      await move(alice, asset, SHOWN);
      expect(await known()).toMatchObject({ object: { sha256: asset.fileHash, isPublic: true } });
      await move(alice, asset, HIDDEN);
      expect(await known()).toMatchObject({ object: { sha256: asset.fileHash, isPublic: false } });
    });
  });
}
