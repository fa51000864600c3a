import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { OperationContext } from '../../src/operations/context.ts';
import { type DeleteOutcome, deleteAssets } from '../../src/operations/removal/delete.ts';
import { StorageError } from '../../src/storage/storage-error.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import type { Workspace } from '../support/workspace.ts';

function deleteIds(context: OperationContext, ids: string[], dryRun = false): Promise<DeleteOutcome[]> {
  return collect(deleteAssets(context, { selection: { kind: 'ids', ids }, dryRun }));
}

async function uploadOne(work: Workspace, name: string, content: string) {
  const path = await writeText(work.directory, name, content);
  return assetOf((await uploadPaths(work.context(), [path]))[0]);
}

await describeEachDatabase('delete', ({ createWorkspace }) => {
  test('keeps the bytes until the last asset on them goes', async () => {
    const work = await createWorkspace();
    const one = await uploadOne(work, 'one.txt', 'shared');
    const two = await uploadOne(work, 'two.txt', 'shared');
    expect(await deleteIds(work.context(), [one.id])).toMatchObject([{ kind: 'deleted', bytes: 0 }]);
    expect(await work.storedFiles()).toEqual([two.storagePath]);
    expect(await deleteIds(work.context(), [two.id])).toMatchObject([{ kind: 'deleted', bytes: 6 }]);
    expect(await work.storedFiles()).toEqual([]);
    const status = await (await work.catalog()).maintenance.status();
    expect(status.objects).toEqual({ PENDING: 0, STORED: 0, RETAINED: 0, DELETING: 0 });
  });

  test('a dry run names them and removes nothing', async () => {
    const work = await createWorkspace();
    const one = await uploadOne(work, 'one.txt', 'content');
    expect(await deleteIds(work.context(), [one.id], true)).toEqual([{ kind: 'would-delete', id: one.id, bytes: 7 }]);
    expect(await work.storedFiles()).toEqual([one.storagePath]);
  });

  test('refuses what the identity may not delete, and audits it', async () => {
    const work = await createWorkspace();
    const one = await uploadOne(work, 'one.txt', 'content');
    const colleague = work.context({ identity: { user: 'bob', role: 'member' } });
    const stranger = work.context({ identity: { user: 'eve', role: 'admin', organization: 'globex' } });
    expect(await deleteIds(colleague, [one.id])).toMatchObject([{ failure: { code: 'NOT_PERMITTED' } }]);
    expect(await deleteIds(stranger, [one.id])).toMatchObject([{ failure: { code: 'ASSET_NOT_FOUND' } }]);
    expect(await work.storedFiles()).toEqual([one.storagePath]);
    const trail = (await work.catalog()).audit;
    const refused = await trail.page({ allOrganizations: true }, {}, 10);
    const actors = refused.events.filter((event) => event.outcome === 'refused').map((event) => event.actor);
    expect(actors.sort()).toEqual(['bob', 'eve']);
  });

  test('says so when the bytes stay, and keeps their row', async () => {
    const work = await createWorkspace();
    const one = await uploadOne(work, 'one.txt', 'content');
    const stubborn = work.context({
      wrapStore: (store) => ({
        ...store,
        async deleteMany(keys) {
          return keys.map((key) => ({ key, error: new StorageError('UNAVAILABLE', 'busy', { backend: 'local' }) }));
        },
      }),
    });
    expect(await deleteIds(stubborn, [one.id])).toMatchObject([{ failure: { code: 'BYTES_REMAIN' } }]);
    const status = await (await work.catalog()).maintenance.status();
    expect(status.objects).toMatchObject({ STORED: 0, DELETING: 1 });
    expect(status.assets.active).toBe(0);
  });

  test('touches no row while the store is not known to be ours', async () => {
    const work = await createWorkspace();
    const one = await uploadOne(work, 'one.txt', 'content');
    await rm(join(work.storage, '.asset-cli.json'));
    expect(await deleteIds(work.context(), [one.id])).toMatchObject([{ failure: { code: 'STORE_NOT_OURS' } }]);
    expect((await (await work.catalog()).maintenance.status()).assets.active).toBe(1);
  });

  test('deletes by filter, all pages', async () => {
    const work = await createWorkspace();
    await uploadOne(work, 'keep.csv', 'a,b\n1,2\n');
    for (const name of ['a', 'b', 'c']) await uploadOne(work, `${name}.txt`, name);
    const selection = {
      kind: 'filter',
      scope: { organization: 'acme' },
      filter: { nameGlob: '*.txt' },
    } as const;
    const outcomes = await collect(deleteAssets(work.context(), { selection, dryRun: false }));
    expect(outcomes).toHaveLength(3);
    expect(await work.storedFiles()).toHaveLength(1);
  });
});
