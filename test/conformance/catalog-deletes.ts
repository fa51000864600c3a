import { describe, expect, it } from 'vitest';
import type { DeleteResult } from '../../src/catalog/catalog.ts';
import type { Identity } from '../../src/core/identity.ts';
import { AUDIT, freshOrganization, only, person, storeAssets } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';
import { keepFormerCopy } from './former-copy.ts';

export function describeDeletes(context: CatalogContext): void {
  const remove = (identity: Identity, ids: readonly string[]) =>
    context.catalog().deletes.deleteAssets(identity, ids, 30, AUDIT);
  const objects = (organization: string) =>
    context.query(context.url(), `select id, state from objects where organization_id = '${organization}'`);

  describe('deletes', () => {
    it('take the bytes with the last asset on them', async () => {
      const alice = person(freshOrganization());
      const [one, two] = await storeAssets(context.catalog(), alice, [{ content: 'shared' }, { content: 'shared' }]);
      const first = only(await remove(alice, [one?.id ?? '']));
      expect(first).toMatchObject({ kind: 'deleted', bytesFreed: 0, asset: { id: one?.id } });
      expect(first).not.toHaveProperty('removable');
      const last = only(await remove(alice, [two?.id ?? '']));
      expect(last).toMatchObject({ bytesFreed: 6, removable: { storagePath: two?.storagePath, backend: 'local' } });
      expect(await objects(alice.organization)).toMatchObject([{ state: 'DELETING' }]);
      await context.catalog().deletes.finish([{ ...removable(last), claim: AUDIT.correlationId }]);
      expect(await objects(alice.organization)).toHaveLength(1);
      await context.catalog().deletes.finish([removable(last)]);
      expect(await objects(alice.organization)).toHaveLength(0);
    });

    it('count shared bytes once when all their assets go together, and refuse a second time', async () => {
      const alice = person(freshOrganization());
      const assets = await storeAssets(context.catalog(), alice, [{ content: 'both' }, { content: 'both' }]);
      const ids = assets.map((asset) => asset.id);
      const results = await remove(alice, [...ids, ...ids.slice(0, 1)]);
      expect(results.map((result) => (result.kind === 'deleted' ? result.bytesFreed : codeOf(result)))).toEqual([
        4,
        0,
        'ASSET_NOT_FOUND',
      ]);
      const { events } = await context
        .catalog()
        .audit.page({ organization: alice.organization }, { action: 'deleted' }, 9);
      expect(events.filter((event) => event.outcome === 'success')).toHaveLength(2);
    });

    it('are permitted by the access policy only, and say no more than it', async () => {
      const alice = person(freshOrganization());
      const bob = person(alice.organization, { user: 'bob' });
      const stranger = person(freshOrganization(), { role: 'admin' });
      const [own, open] = await storeAssets(context.catalog(), alice, [{}, { isPublic: true }]);
      const ids = [own?.id ?? '', open?.id ?? '', 'no-uuid'];
      expect((await remove(bob, ids)).map(codeOf)).toEqual(['NOT_PERMITTED', 'NOT_PERMITTED', 'ASSET_NOT_FOUND']);
      expect((await remove(stranger, ids)).map(codeOf)).toEqual([
        'ASSET_NOT_FOUND',
        'NOT_PERMITTED',
        'ASSET_NOT_FOUND',
      ]);
      const { events } = await context
        .catalog()
        .audit.page({ organization: alice.organization }, { action: 'deleted' }, 9);
      expect(events.map((event) => [event.actor, event.outcome, event.details['code']].join(' ')).sort()).toEqual([
        'alice refused NOT_PERMITTED',
        'bob refused ASSET_NOT_FOUND',
        'bob refused NOT_PERMITTED',
        'bob refused NOT_PERMITTED',
      ]);
      const admin = person(alice.organization, { user: 'carol', role: 'admin' });
      expect((await remove(admin, ids.slice(0, 1))).map(codeOf)).toEqual(['deleted']);
      const operator = person('elsewhere', { role: 'operator' });
      expect((await remove(operator, ids.slice(1, 2))).map(codeOf)).toEqual(['deleted']);
    });

    it('leave what came back from the trash, or went into it, since it was chosen', async () => {
      const alice = person(freshOrganization());
      const { deletes, lifecycle, audit } = context.catalog();
      const [asset] = await storeAssets(context.catalog(), alice, [{}]);
      const ids = [asset?.id ?? ''];
      const chosen = (trashed: readonly string[]) => ({ trashed: new Set(trashed) });
      expect((await deletes.deleteAssets(alice, ids, 30, AUDIT, chosen(ids))).map(codeOf)).toEqual(['STATE_CHANGED']);
      await lifecycle.trash(alice, ids, 60, AUDIT);
      expect((await deletes.deleteAssets(alice, ids, 30, AUDIT, chosen([]))).map(codeOf)).toEqual(['STATE_CHANGED']);
      const refused = await audit.page({ organization: alice.organization }, { action: 'deleted' }, 9);
      expect(refused.events.map(({ assetId, details }) => [assetId, details['code']])).toEqual([
        [asset?.id, 'STATE_CHANGED'],
        [asset?.id, 'STATE_CHANGED'],
      ]);
      expect((await deletes.deleteAssets(alice, ids, 30, AUDIT, chosen(ids))).map(codeOf)).toEqual(['deleted']);
    });

    it('leave what the filter no longer matches, without a word in the audit trail', async () => {
      const alice = person(freshOrganization());
      const { deletes, lifecycle, audit } = context.catalog();
      const past = '2020-01-01T00:00:00.000Z';
      const assets = await storeAssets(context.catalog(), alice, [
        { expiresAt: past, tags: { run: '1' }, originalFilename: 'a.txt' },
        { expiresAt: past, tags: { run: '1' }, originalFilename: 'b.txt' },
      ]);
      const ids = assets.map(({ id }) => id);
      const filter = { expired: 'only', tags: { run: '1' }, nameGlob: '*.txt', status: 'active' } as const;
      await lifecycle.extend(alice, ids.slice(0, 1), { kind: 'never' }, AUDIT);
      expect(await lifecycle.trash(alice, ids.slice(0, 1), 60, AUDIT, filter)).toEqual([]);
      expect((await deletes.deleteAssets(alice, ids, 30, AUDIT, { filter })).map(codeOf)).toEqual([
        'unmatched',
        'deleted',
      ]);
      const { events } = await audit.page({ organization: alice.organization }, {}, 9);
      expect(events.filter(({ assetId }) => assetId === ids[0]).map(({ action }) => action)).toEqual([
        'extended',
        'uploaded',
      ]);
    });

    it('let former copies of a content go with its last asset', async () => {
      const alice = person(freshOrganization());
      const asset = only(await storeAssets(context.catalog(), alice, [{ content: 'copied' }]));
      await keepFormerCopy(context, asset.storagePath);
      await remove(alice, [asset.id]);
      expect((await objects(alice.organization)).map((row) => row['state'])).toEqual(['DELETING', 'DELETING']);
    });
  });
}

function removable(result: DeleteResult) {
  if (result.kind !== 'deleted' || result.removable === undefined) throw new Error('nothing is removable');
  return result.removable;
}

function codeOf(result: DeleteResult): string {
  return result.kind === 'refused' ? result.code : result.kind;
}
