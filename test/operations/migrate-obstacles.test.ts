import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { migrate } from '../../src/operations/moving/migrate.ts';
import type { MigrateOutcome, MigrateRequest } from '../../src/operations/moving/migrate-run.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { StorageError } from '../../src/storage/storage-error.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';

const REQUEST: MigrateRequest = {
  from: 'local',
  to: 'other',
  scope: { organization: 'acme' },
  selection: { kind: 'filter', scope: { organization: 'acme' }, filter: { status: 'any', expired: 'include' } },
  withFormerCopies: true,
  sourceEnd: { kind: 'delete' },
  dryRun: false,
  concurrency: 2,
  serverSide: true,
};

async function putMany(work: Workspace, count: number): Promise<Asset[]> {
  const paths = await Promise.all(
    Array.from({ length: count }, (_, index) => writeText(work.directory, `${index}.txt`, `content ${index}`)),
  );
  return (await uploadPaths(work.context(), paths, { backend: 'local' })).map(assetOf);
}

test('one object that may not be read keeps no other from moving', async () => {
  const work = await createWorkspace({ backends: ['local', 'other'] });
  const assets = await putMany(work, 300);
  const archived = assets[150];
  const wrapStore = (store: StorageBackend): StorageBackend => ({
    ...store,
    get: (key, options) =>
      key === archived?.storagePath
        ? Promise.reject(new StorageError('DENIED', 'the object is archived', { backend: store.name, key }))
        : store.get(key, options),
  });
  const outcomes = await collect(migrate(work.context({ wrapStore }), REQUEST));
  expect(outcomes.filter(({ kind }) => kind === 'moved')).toHaveLength(299);
  expect(outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? outcome.ids : []))).toEqual([archived?.id]);
});

test('a store that may not be read ends the run', async () => {
  const work = await createWorkspace({ backends: ['local', 'other'] });
  await putMany(work, 300);
  const refused = (store: StorageBackend) => new StorageError('DENIED', 'no right', { backend: store.name });
  let denies = false;
  const wrapStore = (store: StorageBackend): StorageBackend => ({
    ...store,
    get: (key, options) => (denies ? Promise.reject(refused(store)) : store.get(key, options)),
    stat: (key, options) => (denies ? Promise.reject(refused(store)) : store.stat(key, options)),
  });
  const outcomes: MigrateOutcome[] = [];
  for await (const outcome of migrate(work.context({ wrapStore }), REQUEST)) {
    outcomes.push(outcome);
    // The stores have been recognised by now.
    denies = true;
  }
  expect(outcomes.filter(({ kind }) => kind === 'failed').length).toBeLessThan(300);
  expect(outcomes.at(-1)).toMatchObject({ kind: 'ended' });
});

test('a run whose failures cannot be recorded fails', async () => {
  const work = await createWorkspace({ backends: ['local', 'other'] });
  await putMany(work, 20);
  const real = await work.catalog();
  const isGone = () => Promise.reject(new Error('the connection ended'));
  const catalog = {
    ...real,
    moves: { ...real.moves, commitAll: isGone },
    inventory: { ...real.inventory, at: isGone },
  };
  const context = { ...work.context(), catalog: async () => catalog };
  await expect(collect(migrate(context, REQUEST))).rejects.toThrow('the connection ended');
});

await describeEachDatabase('an object whose assets fill several pages', (database) => {
  test('moves once, onto what is at the destination already', async () => {
    const work = await database.createWorkspace({ backends: ['local', 'other'] });
    const path = await writeText(work.directory, 'same.txt', 'the same');
    await uploadPaths(work.context(), [path], { backend: 'other' });
    await uploadPaths(
      work.context(),
      Array.from({ length: 1100 }, () => path),
      { backend: 'local' },
    );
    // Slow, as a store that is not on this machine: other pages come meanwhile.
    const wrapStore = (store: StorageBackend): StorageBackend => ({
      ...store,
      async stat(...request) {
        await sleep(100);
        return store.stat(...request);
      },
    });
    const outcomes = await collect(migrate(work.context({ wrapStore }), REQUEST));
    expect(outcomes.flatMap((outcome) => (outcome.kind === 'moved' ? outcome.assets : []))).toHaveLength(1100);
    const catalog = await work.catalog();
    const [run] = await catalog.migrations.list({ organization: 'acme' }, 1);
    expect(run).toMatchObject({ objects: 1, assets: 1100 });
  });
});
