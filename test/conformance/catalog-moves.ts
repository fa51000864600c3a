import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { MoveCommit, MoveReservation, ObjectRecord, StoredFacts, WholeMove } from '../../src/catalog/catalog.ts';
import type { Asset } from '../../src/core/asset.ts';
import type { Identity } from '../../src/core/identity.ts';
import { AUDIT, freshOrganization, hashOf, only, person, requestFor, storeAssets } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

export function describeMoves(context: CatalogContext): void {
  const run = (statement: string) => context.query(context.url(), statement);
  const moves = () => context.catalog().moves;
  const objectOf = async (identity: Identity, asset: Asset): Promise<ObjectRecord> =>
    only(await context.catalog().assets.byIds(identity, [asset.id])).object;
  const begin = async (identity: Identity, source: ObjectRecord, backend: string, isPublic = false) => {
    const { storagePath } = requestFor(identity, { isPublic });
    const request = { sourceObjectId: source.id, backend, storageProvider: 'LOCAL' as const, storagePath, isPublic };
    return only(await moves().begin([request], 30));
  };
  const commit = (identity: Identity, reservation: MoveReservation, changes: Partial<MoveCommit> = {}) => {
    if (reservation.kind !== 'store') throw new Error(`not reserved: ${reservation.kind}`);
    const { source, objectId, claim } = reservation;
    const move: MoveCommit = {
      source,
      target: { kind: 'store', objectId, claim, facts: copyFacts(source) },
      carry: { kind: 'all' },
      sourceEnd: { kind: 'delete' },
      audit: { action: 'migrated', details: { run: 'r1' } },
      ...changes,
    };
    return moves().commit(identity, move, 30, AUDIT);
  };
  const statesOf = async ({ organization }: Identity) =>
    (
      await run(`select backend, state from objects where organization_id = '${organization}' order by backend, state`)
    ).map((row) => `${row['backend']} ${row['state']}`);

  describe('moves', () => {
    it('carry all assets over as they are at the commit, and free the source', async () => {
      const alice = person(freshOrganization());
      const [one] = await storeAssets(context.catalog(), alice, [{ content: 'moved' }]);
      if (one === undefined) throw new Error('nothing stored');
      const reservation = await begin(alice, await objectOf(alice, one), 'far');
      const [two] = await storeAssets(context.catalog(), alice, [{ content: 'moved' }]);
      const result = await commit(alice, reservation);
      expect(result).toMatchObject({ kind: 'moved', removable: { backend: 'local', storagePath: one.storagePath } });
      const found = await context.catalog().assets.byIds(alice, [one.id, two?.id ?? '']);
      expect(found.map(({ asset }) => asset.backend)).toEqual(['far', 'far']);
      expect(new Set(found.map(({ object }) => object.id)).size).toBe(1);
      expect(found[0]?.asset.storagePath).toBe(found[0]?.object.storagePath);
      expect(await statesOf(alice)).toEqual(['far STORED', 'local DELETING']);
      const { events } = await context
        .catalog()
        .audit.page({ organization: alice.organization }, { action: 'migrated' }, 9);
      expect(events.map(({ details }) => details['run'])).toEqual(['r1', 'r1']);
    });

    it('let one process copy an object at a time, until its lease runs out', async () => {
      const alice = person(freshOrganization());
      const source = await objectOf(alice, only(await storeAssets(context.catalog(), alice, [{}])));
      const first = await begin(alice, source, 'far');
      expect(await begin(alice, source, 'far')).toEqual({ kind: 'skipped', reason: 'busy' });
      await run(
        `update objects set lease_expires_at = '2020-01-01T00:00:00.000Z'
         where organization_id = '${alice.organization}' and state = 'PENDING'`,
      );
      const second = await begin(alice, source, 'far');
      expect(second.kind).toBe('store');
      expect(await commit(alice, first)).toMatchObject({ kind: 'undone', reason: 'target-changed' });
      expect(await commit(alice, second)).toMatchObject({ kind: 'moved' });
    });

    it('are undone if the source changed meanwhile', async () => {
      const alice = person(freshOrganization());
      const asset = only(await storeAssets(context.catalog(), alice, [{}]));
      const reservation = await begin(alice, await objectOf(alice, asset), 'far');
      await context.catalog().deletes.deleteAssets(alice, [asset.id], 30, AUDIT);
      expect(await commit(alice, reservation)).toMatchObject({
        kind: 'undone',
        reason: 'source-changed',
        discard: { backend: 'far' },
      });
      expect(await statesOf(alice)).toEqual(['far DELETING', 'local DELETING']);
    });

    it('use a private copy that is there already, and give up their own if one comes first', async () => {
      const alice = person(freshOrganization());
      const [here, there] = await storeAssets(context.catalog(), alice, [
        { content: 'twice' },
        { content: 'twice', backend: 'far' },
      ]);
      if (here === undefined || there === undefined) throw new Error('nothing stored');
      const reservation = await begin(alice, await objectOf(alice, here), 'far');
      expect(reservation).toMatchObject({ kind: 'use', object: { storagePath: there.storagePath } });
      const late = only(await storeAssets(context.catalog(), alice, [{ content: 'late' }]));
      const own = await begin(alice, await objectOf(alice, late), 'far');
      const first = only(await storeAssets(context.catalog(), alice, [{ content: 'late', backend: 'far' }]));
      const result = await commit(alice, own);
      expect(result).toMatchObject({
        kind: 'moved',
        target: { storagePath: first.storagePath },
        discard: { backend: 'far' },
      });
    });

    it('of one transaction are each judged by itself', async () => {
      const alice = person(freshOrganization());
      const contents = ['damaged', 'shared', 'twice', 'elsewhere', 'infected', 'deleted'];
      const specs = contents.map((content) => ({ content }));
      const assets = await storeAssets(context.catalog(), alice, [...specs, { content: 'shared' }]);
      await storeAssets(context.catalog(), alice, [{ content: 'elsewhere', backend: 'other' }]);
      const requests = await Promise.all(
        assets.slice(0, contents.length).map(async (asset) => {
          const { storagePath } = requestFor(alice, {});
          const sourceObjectId = (await objectOf(alice, asset)).id;
          return { sourceObjectId, backend: 'far', storageProvider: 'LOCAL' as const, storagePath, isPublic: false };
        }),
      );
      const reserved = await moves().begin(requests, 30);
      const wholes = reserved.map((reservation): WholeMove => {
        if (reservation.kind !== 'store') throw new Error(`not reserved: ${reservation.kind}`);
        const { source, objectId, claim } = reservation;
        const target = { kind: 'store' as const, objectId, claim, facts: copyFacts(source) };
        return { source, target, sourceEnd: { kind: 'retain', seconds: 3600 }, cdnUrl: null };
      });
      const [damaged, , , , , deleted] = assets;
      await run(`update assets set damaged_at = '2030-01-01T00:00:00.000Z' where id = '${damaged?.id}'`);
      await run(
        `update content_verdicts set status = 'INFECTED' where organization_id = '${alice.organization}'
         and sha256 = '${hashOf('infected')}'`,
      );
      const [held] = await storeAssets(context.catalog(), alice, [{ content: 'twice', backend: 'far' }]);
      await context.catalog().deletes.deleteAssets(alice, [deleted?.id ?? ''], 30, AUDIT);
      const migration = { id: randomUUID(), from: 'local', to: 'far' };
      const { organization, user: actor } = alice;
      await context.catalog().migrations.begin({ ...migration, organization, actor }, AUDIT);
      const results = await moves().commitAll(alice, wholes, migration, 30, AUDIT);
      const moved = (asset: Asset | undefined) => ({
        kind: 'moved',
        assets: [{ id: asset?.id, fileSize: asset?.fileSize }],
      });
      expect(results).toMatchObject([
        moved(assets[0]),
        { kind: 'moved', target: { backend: 'far', storagePath: requests[1]?.storagePath } },
        { ...moved(assets[2]), target: { storagePath: held?.storagePath }, discard: { backend: 'far' } },
        { ...moved(assets[3]), target: { storagePath: requests[3]?.storagePath } },
        { ...moved(assets[4]), removable: { backend: 'local' } },
        { kind: 'undone', reason: 'source-changed', discard: { backend: 'far' } },
      ]);
      const both = [assets[1]?.id, assets[6]?.id].sort();
      expect(results[1]?.kind === 'moved' && results[1].assets.map(({ id }) => id)).toEqual(both);
      const ids = assets.map(({ id }) => id);
      const found = await context.catalog().assets.byIds(alice, ids);
      expect(found.map(({ asset: { backend, status } }) => `${backend} ${status}`)).toEqual(
        Array(6).fill('far active'),
      );
      expect(await statesOf(alice)).toEqual([
        ...Array(2).fill('far DELETING'),
        ...Array(5).fill('far STORED'),
        ...Array(2).fill('local DELETING'),
        ...Array(4).fill('local RETAINED'),
        'other STORED',
      ]);
      expect(await context.catalog().migrations.list({ organization }, 9)).toMatchObject([{ objects: 5, assets: 6 }]);
    });

    it('take a public asset into the trash and back by its own rules', async () => {
      const alice = person(freshOrganization());
      const asset = only(await storeAssets(context.catalog(), alice, [{ isPublic: true }]));
      const outward = await begin(alice, await objectOf(alice, asset), 'local');
      const change = { kind: 'trash', retentionSeconds: 3600 } as const;
      const stranger = person(alice.organization, { user: 'bob' });
      const carry: MoveCommit['carry'] = { kind: 'one', assetId: asset.id, change };
      expect(await commit(stranger, outward, { carry })).toMatchObject({ kind: 'undone', reason: 'denied' });
      const again = await begin(alice, await objectOf(alice, asset), 'local');
      expect(await commit(alice, again, { carry })).toMatchObject({
        kind: 'moved',
        assets: [{ status: 'trashed', isPublic: true }],
        removable: { storagePath: asset.storagePath },
      });
      const back = await begin(alice, await objectOf(alice, asset), 'local', true);
      const restore: MoveCommit['carry'] = {
        kind: 'one',
        assetId: asset.id,
        change: { kind: 'restore', cdnUrl: 'https://cdn.example.com/again' },
      };
      expect(await commit(alice, back, { carry: restore })).toMatchObject({
        assets: [{ status: 'active', cdnUrl: 'https://cdn.example.com/again' }],
      });
    });

    it('keep a public address that was left for a day, and a former copy for as long as is asked', async () => {
      const alice = person(freshOrganization());
      const [open, closed] = await storeAssets(context.catalog(), alice, [{ isPublic: true }, {}]);
      if (open === undefined || closed === undefined) throw new Error('nothing stored');
      const left = await commit(alice, await begin(alice, await objectOf(alice, open), 'far', true));
      if (left.kind !== 'moved' || left.removable === undefined) throw new Error('not moved');
      await context.catalog().deletes.finish([left.removable]);
      const request = { backend: 'local', storageProvider: 'LOCAL' as const, isPublic: true };
      const taken = { ...request, sourceObjectId: left.target.id, storagePath: left.removable.storagePath };
      expect(await moves().begin([taken], 30)).toEqual([{ kind: 'skipped', reason: 'address-taken' }]);
      const copied = await begin(alice, await objectOf(alice, closed), 'far');
      await commit(alice, copied, { sourceEnd: { kind: 'retain', seconds: 3600, damaged: true } });
      expect(await statesOf(alice)).toEqual(['far STORED', 'far STORED', 'local DELETING', 'local RETAINED']);
    });
  });
}

/** What the store reports of a copy. */
export function copyFacts(source: ObjectRecord): StoredFacts {
  const { storedSize, contentEncoding, storedSha256, storedMd5, storedCrc32c } = source;
  return { storedSize, contentEncoding, storedSha256, storedMd5, storedCrc32c, etag: `copy-of-${source.id}` };
}
