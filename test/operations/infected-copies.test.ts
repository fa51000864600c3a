import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { keyInPlace, parseStorageKey } from '../../src/core/storage-key.ts';
import { restoreAssets } from '../../src/operations/changes/trash.ts';
import { migrate } from '../../src/operations/moving/migrate.ts';
import { moveBytes } from '../../src/operations/moving/move-bytes.ts';
import { deleteAssets } from '../../src/operations/removal/delete.ts';
import { scanAssets } from '../../src/operations/scan/scan.ts';
import type { Scanner } from '../../src/scan/scanner.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { memoryBody } from '../support/bodies.ts';
import { SCAN_ALL } from '../support/scan-all.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';

/** What clamd cannot be had to say of a file that was clean before. */
const alarmed: Scanner = {
  async scan(body) {
    await collect(body.open());
    return { status: 'INFECTED', result: 'Eicar-Test', signatureVersion: '1', scannedAt: new Date() };
  },
  version: async () => ({ engine: 'ClamAV', signatureVersion: '1', signatureDate: null }),
  inspect: () => Promise.reject(new Error('nobody asks')),
};

async function put(work: Workspace, backend: string, changes = {}): Promise<Asset> {
  const path = await writeText(work.directory, `${randomUUID()}.txt`, 'harmful, as it turns out');
  return assetOf((await uploadPaths(work.context(), [path], { backend, ...changes }))[0]);
}

test('one copy that cannot be moved keeps no other where it is known outside', async () => {
  const work = await createWorkspace({ backends: ['local', 'other'] });
  const missing = await put(work, 'local');
  const open = await put(work, 'other', { isPublic: true });
  await (await work.context().backends.open('local')).deleteMany([parseStorageKey(missing.storagePath)]);
  const scanning = { mode: 'auto', expected: true, scanner: async () => alarmed } as const;
  const outcomes = await collect(scanAssets(work.context({ scanning }), SCAN_ALL));
  const failure = { code: 'BYTES_MISSING', hint: expect.stringContaining(`(asset-cli delete ${missing.id})`) };
  expect(outcomes).toMatchObject([{ kind: 'judged', treatment: { kind: 'failed', failure } }]);
  const other = await work.context().backends.open('other');
  const keys = (await collect(other.list(''))).map(({ key }): string => key);
  expect(keys).not.toContain(open.storagePath);
  expect(keys.filter((key) => key.startsWith('quarantine/'))).toHaveLength(1);
});

test.each(['missing', 'damaged'])('a private copy that is %s keeps no public one of its store outside', async (how) => {
  const work = await createWorkspace();
  const bad = parseStorageKey((await put(work, 'local')).storagePath);
  await put(work, 'local', { isPublic: true });
  const store = await work.context().backends.open('local');
  await (how === 'missing' ? store.deleteMany([bad]) : store.put(bad, memoryBody('harmful, as it was')));
  const scanning = { mode: 'auto', expected: true, scanner: async () => alarmed } as const;
  const outcomes = await collect(scanAssets(work.context({ scanning }), SCAN_ALL));
  expect(outcomes).toMatchObject([{ kind: 'judged', treatment: { kind: 'done', deed: 'quarantined' } }]);
  expect(await work.storedFiles()).toEqual([expect.stringMatching(/^quarantine\//)]);
  const { assets } = await (await work.catalog()).maintenance.status();
  expect(assets).toMatchObject({ quarantined: 2, damaged: 0 });
});

test.each(['deleted', 'moved'])('a copy that is %s while it is taken to quarantine has not failed', async (how) => {
  const work = await createWorkspace({ backends: ['local', 'other'] });
  const asset = await put(work, 'local');
  const key = parseStorageKey(asset.storagePath);
  const remove = () =>
    collect(deleteAssets(work.context(), { selection: { kind: 'ids', ids: [asset.id] }, dryRun: false }));
  const moveOn = async () => {
    const [source] = await (await work.catalog()).inventory.at('local', [key]);
    if (source === undefined) throw new Error('it has no row');
    await moveBytes(work.context(), {
      source,
      to: { backend: 'other', storagePath: keyInPlace(key, 'private', randomUUID()), isPublic: false },
      takesOver: true,
      carry: { kind: 'all' },
      sourceEnd: { kind: 'delete' },
      audit: { action: 'migrated', details: {} },
    });
  };
  let gets = 0;
  const wrapStore = (store: StorageBackend): StorageBackend => ({
    ...store,
    async get(wanted, options) {
      // The first is the scan's.
      if (wanted === key) gets += 1;
      if (wanted === key && gets === 2) await (how === 'deleted' ? remove() : moveOn());
      return store.get(wanted, options);
    },
  });
  const scanning = { mode: 'auto', expected: true, scanner: async () => alarmed } as const;
  const outcomes = await collect(scanAssets(work.context({ scanning, wrapStore }), SCAN_ALL));
  expect(outcomes).toMatchObject([{ kind: 'judged', treatment: { kind: 'done', deed: 'quarantined' } }]);
});

test('what has left its key since it was found clean is released from quarantine all the same', async () => {
  const work = await createWorkspace({ backends: ['local', 'other'] });
  const { id } = await put(work, 'local');
  const judge = (scanner: Scanner) => {
    const scanning = { mode: 'auto', expected: true, scanner: async () => scanner } as const;
    return collect(scanAssets(work.context({ scanning }), SCAN_ALL));
  };
  await judge(alarmed);
  const calm = { status: 'CLEAN', result: null, signatureVersion: '2', scannedAt: new Date() } as const;
  await judge({ ...alarmed, scan: async (body) => alarmed.scan(body).then(() => calm) });
  await put(work, 'other');
  const selection = { kind: 'ids', ids: [id] } as const;
  const where = { from: 'local', to: 'other', scope: { organization: 'acme' }, selection } as const;
  const how = { sourceEnd: { kind: 'delete' }, withFormerCopies: false, dryRun: false, concurrency: 1 } as const;
  await collect(migrate(work.context(), { ...where, ...how, serverSide: true }));
  const restored = await collect(restoreAssets(work.context(), [id]));
  expect(restored.find((outcome) => outcome.id === id)).toMatchObject({ kind: 'changed', asset: { status: 'active' } });
});
