import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { unpublishAssets } from '../../src/operations/changes/publish.ts';
import { deleteAssets } from '../../src/operations/removal/delete.ts';
import { verify } from '../../src/operations/verify/verify.ts';
import { memoryBody } from '../support/bodies.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { movePublic } from '../support/moved-public.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import type { Workspace } from '../support/workspace.ts';

const BACKENDS = ['near', 'far'];
const WITHDRAWALS = {
  unpublish: (work: Workspace, id: string) => collect(unpublishAssets(work.context(), [id])),
  delete: (work: Workspace, id: string) =>
    collect(deleteAssets(work.context(), { selection: { kind: 'ids', ids: [id] }, dryRun: false })),
};

async function put(work: Workspace, isPublic: boolean): Promise<Asset> {
  const path = await writeText(work.directory, `${randomUUID()}.txt`, 'for all, for a while');
  return assetOf((await uploadPaths(work.context(), [path], { backend: 'near', isPublic }))[0]);
}

async function publicKeys(work: Workspace): Promise<string[]> {
  const stores = await Promise.all(BACKENDS.map((name) => work.context().backends.open(name)));
  const listed = await Promise.all(stores.map((store) => collect(store.list('public/'))));
  return listed.flat().map(({ key }): string => key);
}

await describeEachDatabase('a public asset that was repaired', ({ createWorkspace }) => {
  test.each(Object.entries(WITHDRAWALS))('leaves its former addresses with %s', async (_, withdraw) => {
    const work = await createWorkspace({ backends: BACKENDS });
    const asset = await put(work, true);
    await put(work, false);
    await movePublic(work, asset, 'far');
    const far = await work.context().backends.open('far');
    await far.put(parseStorageKey(asset.storagePath), memoryBody('for all, for a whil'), {});
    const request = { allOrganizations: false, deep: false, resume: false, repair: true };
    expect(await collect(verify(work.context(), request))).toContainEqual(
      expect.objectContaining({
        finding: expect.objectContaining({ repair: expect.objectContaining({ kind: 'repaired' }) }),
      }),
    );
    expect(await publicKeys(work)).toHaveLength(3);
    await withdraw(work, asset.id);
    expect(await publicKeys(work)).toEqual([]);
  });
});
