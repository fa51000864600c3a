import { describe, expect, it } from 'vitest';
import type { PurgeFilter } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import type { Identity } from '../../src/core/identity.ts';
import { AUDIT, freshOrganization, only, person, requestFor, storeAssets } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

export function describePurge(context: CatalogContext): void {
  const run = (statement: string) => context.query(context.url(), statement);
  const purge = () => context.catalog().purge;
  const filterOf = (identity: Identity, changes: Partial<PurgeFilter> = {}): PurgeFilter => ({
    organization: identity.organization,
    kind: 'expired',
    backends: ['local'],
    ...changes,
  });
  const expired = async (identity: Identity, days: readonly number[]) => {
    const assets = await storeAssets(
      context.catalog(),
      identity,
      days.map(() => ({})),
    );
    for (const [index, day] of days.entries()) {
      const at = `2020-01-0${day}T00:00:00.000Z`;
      await run(`update assets set expires_at = '${at}' where id = '${assets[index]?.id}'`);
    }
    return assets.map(({ id }) => id);
  };
  const objectsOf = ({ organization }: Identity) =>
    run(
      `select id, state, retain_until from objects where organization_id = '${organization}' order by created_at, id`,
    );

  describe('purge', () => {
    it('takes what is due, the longest due first, as the plan says', async () => {
      const alice = person(freshOrganization(), { role: 'admin' });
      const ids = await expired(alice, [3, 1, 2]);
      await storeAssets(context.catalog(), alice, [{}, { expiresAt: '2039-01-01T00:00:00Z' }]);
      const order = [ids[1], ids[2], ids[0]];
      const first = await purge().page(filterOf(alice), 2);
      const second = await purge().page(filterOf(alice), 2, first.nextCursor ?? '');
      expect([...first.assets, ...second.assets].map(({ id }) => id)).toEqual(order);
      expect(second.nextCursor).toBeNull();
      expect(await purge().due(filterOf(alice))).toEqual([{ backend: 'local', count: 3, bytes: 108 }]);
      const taken = await purge().take(alice, filterOf(alice), 2, 30, AUDIT);
      expect(taken.map(({ asset }) => asset.id)).toEqual(order.slice(0, 2));
      expect(taken.map(({ removable }) => removable?.storagePath)).toEqual(
        first.assets.map(({ storagePath }) => storagePath),
      );
      expect(await purge().take(alice, filterOf(alice), 9, 30, AUDIT)).toHaveLength(1);
      expect(await purge().take(alice, filterOf(alice), 9, 30, AUDIT)).toEqual([]);
      const scope = { organization: alice.organization };
      const { events } = await context.catalog().audit.page(scope, { action: 'deleted' }, 9);
      expect(events.map(({ details }) => details['reason'])).toEqual(['expired', 'expired', 'expired']);
      expect((await context.catalog().assets.count(scope, {})).count).toBe(2);
    });

    it('obeys its filters', async () => {
      const alice = person(freshOrganization(), { role: 'admin' });
      await expired(alice, [1, 5]);
      const take = async (changes: Partial<PurgeFilter>) =>
        (await purge().take(alice, filterOf(alice, changes), 9, 30, AUDIT)).length;
      expect(await take({ backends: [] })).toBe(0);
      expect(await take({ backends: ['elsewhere'] })).toBe(0);
      expect(await take({ assetType: 'EXPORT_FILE' })).toBe(0);
      expect(await take({ projectId: 'p' })).toBe(0);
      expect(await take({ kind: 'trash' })).toBe(0);
      expect(await take({ organization: freshOrganization() })).toBe(0);
      expect(await take({ before: '2020-01-02T00:00:00Z' })).toBe(1);
      expect(await take({ assetType: 'SEO_REPORT' })).toBe(1);
    });

    it('leaves what expires in the trash to the end of its time there', async () => {
      const alice = person(freshOrganization(), { role: 'admin' });
      const [id = ''] = await expired(alice, [1]);
      await context.catalog().lifecycle.trash(alice, [id], 3600, AUDIT);
      expect(await purge().take(alice, filterOf(alice), 9, 30, AUDIT)).toEqual([]);
      expect(await purge().take(alice, filterOf(alice, { kind: 'trash' }), 9, 30, AUDIT)).toEqual([]);
      await run(`update assets set trash_ends_at = '2020-01-01T00:00:00.000Z' where id = '${id}'`);
      const taken = await purge().take(alice, filterOf(alice, { kind: 'trash' }), 9, 30, AUDIT);
      expect(taken.map(({ asset }) => asset.id)).toEqual([id]);
    });

    it('loses to whoever extends first, and never removes twice', async () => {
      const alice = person(freshOrganization(), { role: 'admin' });
      const ids = await expired(alice, [1, 1, 1, 1, 1, 1, 1, 1]);
      const other = await openCatalog(context.url(), { lockTimeout: 5000, migrate: 'auto' });
      const extending = ids.map((id) => context.catalog().lifecycle.extend(alice, [id], { kind: 'never' }, AUDIT));
      const taken: string[] = [];
      const purging = [context.catalog(), other].map(async (catalog) => {
        for (let round = 0; round < 10; round += 1) {
          const some = await catalog.purge.take(alice, filterOf(alice), 2, 30, AUDIT);
          taken.push(...some.map(({ asset }) => asset.id));
        }
      });
      const extended = (await Promise.all(extending))
        .flat()
        .flatMap((change) => (change.kind === 'changed' ? change.id : []));
      await Promise.all(purging);
      await other.close();
      expect(new Set(taken).size).toBe(taken.length);
      expect([...taken, ...extended].sort()).toEqual([...ids].sort());
    });
  });

  describe('leftovers', () => {
    const claim = (identity: Identity, limit = 9) =>
      context.catalog().leftovers.claim({ backends: ['local'], organization: identity.organization }, limit, 30);
    const endLeases = ({ organization }: Identity, at: string) =>
      run(
        `update objects set lease_expires_at = '${at}' where organization_id = '${organization}' and state <> 'STORED'`,
      );
    const recently = () => new Date(Date.now() - 60_000).toISOString();

    it('are not what somebody is at work on', async () => {
      const alice = person(freshOrganization());
      await context.catalog().uploads.reserve([requestFor(alice, {})], 30);
      expect(await claim(alice)).toEqual([]);
    });

    it('keep the row of a given-up upload for a day past its lease, then delete once more', async () => {
      const alice = person(freshOrganization());
      const [reservation] = await context.catalog().uploads.reserve([requestFor(alice, {})], 30);
      if (reservation?.kind !== 'store') throw new Error('no reservation');
      await context.catalog().uploads.recordSession(reservation.objectId, reservation.claim, 'session-1');
      await endLeases(alice, recently());
      expect(
        await context.catalog().leftovers.count({ backends: ['local'], organization: alice.organization }),
      ).toEqual([{ backend: 'local', count: 1 }]);
      const leftover = only(await claim(alice));
      expect(leftover).toMatchObject({ was: 'PENDING', uploadSession: 'session-1' });
      await context.catalog().deletes.finish([{ ...leftover, claim: AUDIT.correlationId }]);
      await context.catalog().deletes.finish([leftover]);
      expect(await objectsOf(alice)).toMatchObject([{ state: 'DELETING' }]);
      expect(await claim(alice)).toEqual([]);
      await run(
        `update objects set lease_expires_at = '2020-01-02T00:00:00.000Z', retain_until = '2020-01-02T00:00:00.000Z'
         where organization_id = '${alice.organization}'`,
      );
      const again = only(await claim(alice));
      expect(again).toMatchObject({ was: 'DELETING', objectId: leftover.objectId });
      await context.catalog().deletes.finish([again]);
      expect(await objectsOf(alice)).toEqual([]);
    });

    it('take away the claim of whoever froze', async () => {
      const alice = person(freshOrganization());
      const [reservation] = await context.catalog().uploads.reserve([requestFor(alice, {})], 30);
      if (reservation?.kind !== 'store') throw new Error('no reservation');
      await endLeases(alice, recently());
      await claim(alice);
      await context.catalog().uploads.renew([reservation], 3600);
      expect(await context.catalog().uploads.abandon([reservation], 30)).toEqual([]);
      expect(await context.catalog().leftovers.alivePaths('local', [])).toEqual(new Set());
    });

    it('are former copies past their time, and each is claimed by one', async () => {
      const alice = person(freshOrganization());
      await storeAssets(context.catalog(), alice, [{}, {}]);
      await run(
        `update objects set state = 'RETAINED', retain_until = '2020-01-01T00:00:00.000Z'
         where organization_id = '${alice.organization}'`,
      );
      const claims = (await Promise.all([claim(alice, 1), claim(alice, 1), claim(alice, 1)])).flat();
      expect(claims.map(({ was }) => was)).toEqual(['RETAINED', 'RETAINED']);
      expect(new Set(claims.map(({ objectId }) => objectId)).size).toBe(2);
    });

    it('keep the address of a public former copy for a day after its bytes, because it may come back', async () => {
      const alice = person(freshOrganization());
      await storeAssets(context.catalog(), alice, [{ isPublic: true }]);
      const theirs = `where organization_id = '${alice.organization}'`;
      await run(`update objects set state = 'RETAINED', retain_until = '2020-01-01T00:00:00.000Z' ${theirs}`);
      await context.catalog().deletes.finish(await claim(alice));
      const left = await run(`select state, storage_path from objects ${theirs}`);
      expect(left).toEqual([{ state: 'DELETING', storage_path: expect.stringMatching(/^public\//) }]);
      expect(await claim(alice)).toEqual([]);
    });
  });
}
