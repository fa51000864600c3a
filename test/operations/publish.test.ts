import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { publishAssets, unpublishAssets } from '../../src/operations/changes/publish.ts';
import { restoreAssets, trashAssets } from '../../src/operations/changes/trash.ts';
import { chunksOf, readAsset } from '../../src/operations/download/read-asset.ts';
import { migrate } from '../../src/operations/moving/migrate.ts';
import { deleteAssets } from '../../src/operations/removal/delete.ts';
import { openAzureBackend } from '../../src/storage/azure/azure-backend.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { openGcsBackend } from '../../src/storage/gcs/gcs-backend.ts';
import { openBackend } from '../../src/storage/open.ts';
import { withRetries } from '../../src/storage/retry.ts';
import { openS3Backend } from '../../src/storage/s3/s3-backend.ts';
import { azureDefinition, gcsDefinition, s3Definition, TIMEOUTS, useS3Credentials } from '../support/cloud-stores.ts';
import { photograph } from '../support/images.ts';
import { createBucket, createDatabase, describeWithService, service } from '../support/services/index.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { type ContextChanges, createWorkspace, temporaryDirectory, type Workspace } from '../support/workspace.ts';

type Opener = () => Promise<StorageBackend>;
const OPENERS: Record<string, Opener> = {
  LOCAL: async () => openBackend({ name: 'local', provider: 'LOCAL', path: await temporaryDirectory() }, TIMEOUTS),
};
const s3 = await service('s3');
if (!('skip' in s3)) {
  useS3Credentials(s3);
  OPENERS['AWS_S3'] = async () =>
    openS3Backend({ ...s3Definition(s3, await createBucket('s3')), name: 'local' }, TIMEOUTS);
}
const gcs = await service('gcs');
if (!('skip' in gcs)) {
  OPENERS['GOOGLE_CLOUD_STORAGE'] = async () =>
    openGcsBackend({ ...gcsDefinition(gcs, await createBucket('gcs')), name: 'local' }, TIMEOUTS);
}
const azure = await service('azure');
if (!('skip' in azure)) {
  OPENERS['AZURE_BLOB'] = async () =>
    openAzureBackend({ ...azureDefinition(azure, await createBucket('azure')), name: 'local' }, TIMEOUTS);
}

/** One store for all contexts of a test, as many processes would see it. */
async function workspaceOn(open: Opener, databaseUrl?: string): Promise<Workspace> {
  const store = open().then((bare) => withRetries(bare, { deadline: 20_000 }));
  return createWorkspace({ openStore: () => store, ...(databaseUrl === undefined ? {} : { databaseUrl }) });
}

const CDN = { content: { cdnDomains: new Map([['local', 'cdn.example.com']]) } };
const ROUNDS = 5;

async function put(work: Workspace, content: string, changes: Parameters<typeof uploadPaths>[2] = {}): Promise<Asset> {
  const path = await writeText(work.directory, `${randomUUID()}.txt`, content);
  return assetOf((await uploadPaths(work.context(CDN), [path], changes))[0]);
}

async function read(work: Workspace, { id }: Asset): Promise<string> {
  const context = work.context();
  const [found] = await (await work.catalog()).assets.byIds(context.identity, [id]);
  if (found === undefined) throw new Error(`${id} is gone`);
  let content = '';
  await readAsset(context, found, async (body) => {
    content = '';
    for await (const chunk of chunksOf(body)) content += Buffer.from(chunk).toString();
  });
  return content;
}

const publish = (work: Workspace, assets: readonly Asset[], changes: ContextChanges = CDN) =>
  collect(
    publishAssets(
      work.context(changes),
      assets.map(({ id }) => id),
    ),
  );
const unpublish = (work: Workspace, assets: readonly Asset[], changes: ContextChanges = CDN) =>
  collect(
    unpublishAssets(
      work.context(changes),
      assets.map(({ id }) => id),
    ),
  );
const keysIn = async (work: Workspace) => {
  const store = await work.context().backends.open('local');
  return (await collect(store.list(''))).map(({ key }) => key as string).filter((key) => key !== '.asset-cli.json');
};

describe.each(Object.entries(OPENERS))('publishing on %s', (_, open) => {
  test('moves an asset to a public address and back, and its readers never notice', async () => {
    const work = await workspaceOn(open);
    const [asset, twin] = [await put(work, 'to be seen'), await put(work, 'to be seen')];
    let isRunning = true;
    const reader = (async () => {
      let reads = 0;
      for (; isRunning; reads += 1) {
        expect(await read(work, asset)).toBe('to be seen');
        await nextTurn();
      }
      return reads;
    })();
    const addresses = new Set<string | null>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const [shown] = await publish(work, [asset]);
      expect(shown).toMatchObject({
        kind: 'changed',
        asset: { isPublic: true, storagePath: expect.stringMatching(/^public\//) },
      });
      if (shown?.kind !== 'changed') throw new Error('not published');
      expect(shown.asset.cdnUrl).toBe(`https://cdn.example.com/${shown.asset.storagePath}`);
      addresses.add(shown.asset.cdnUrl);
      const [hidden] = await unpublish(work, [asset]);
      expect(hidden).toMatchObject({ kind: 'changed', asset: { isPublic: false, cdnUrl: null } });
    }
    isRunning = false;
    expect(await reader).toBeGreaterThan(ROUNDS);
    expect(addresses.size).toBe(ROUNDS);
    expect(await keysIn(work)).toEqual([twin.storagePath]);
  });

  test('tells caches how long it may be kept, and a private one nothing', async () => {
    const work = await workspaceOn(open);
    const asset = await put(work, 'to be seen');
    const store = await work.context().backends.open('local');
    // A local directory keeps no headers: whatever serves it makes them.
    if (!store.features.signs) return;
    const answerOf = async ({ storagePath }: Pick<Asset, 'storagePath'>) => {
      const key = parseStorageKey(storagePath);
      const options = { expiresIn: 60, downloadAs: 'x.txt', inline: false, contentType: 'text/plain' };
      const { headers } = await fetch((await store.sign(key, options)).url);
      return { cacheControl: headers.get('cache-control'), type: (await store.stat(key)).contentType };
    };
    const moved = ([outcome]: Awaited<ReturnType<typeof publish>>) => {
      if (outcome?.kind !== 'changed') throw new Error('not moved');
      return outcome.asset;
    };
    expect(await answerOf(moved(await publish(work, [asset])))).toEqual({
      cacheControl: 'public, max-age=3600',
      type: 'text/plain',
    });
    // The emulator's rewrite keeps headers of the source that the request leaves out; the service drops them.
    if (store.provider === 'GOOGLE_CLOUD_STORAGE') return;
    const neverShown = await put(work, 'never shown');
    expect(await answerOf(moved(await unpublish(work, [asset])))).toEqual(await answerOf(neverShown));
  });

  test('of several at once, on the same bytes and on others, leaves each with an object of its own', async () => {
    const work = await workspaceOn(open);
    const assets = [await put(work, 'same'), await put(work, 'same'), await put(work, 'other')];
    const outcomes = await Promise.all(assets.map((asset) => publish(work, [asset])));
    expect(outcomes.flat().map(({ kind }) => kind)).toEqual(['changed', 'changed', 'changed']);
    const keys = await keysIn(work);
    expect(keys).toHaveLength(3);
    expect(keys.every((key) => key.startsWith('public/'))).toBe(true);
    const again = await Promise.all([unpublish(work, assets), unpublish(work, assets)]);
    expect(again.flat().map(({ kind }) => kind)).toEqual(Array(6).fill('changed'));
    expect(await keysIn(work)).toHaveLength(2);
    for (const [index, asset] of assets.entries()) expect(await read(work, asset)).toBe(index < 2 ? 'same' : 'other');
  });
});

describe('an asset that is published', () => {
  test('tells browsers what it is, and a private one tells nothing', async () => {
    const work = await createWorkspace();
    const puts: unknown[] = [];
    const watching: ContextChanges = {
      ...CDN,
      wrapStore: (store) => ({
        ...store,
        put: (key, body, options) => {
          puts.push({ contentDisposition: undefined, cacheControl: undefined, ...options });
          return store.put(key, body, options);
        },
      }),
    };
    const asset = await put(work, 'plain');
    await publish(work, [asset], watching);
    expect(puts.at(-1)).toMatchObject({
      contentType: 'text/plain',
      cacheControl: 'public, max-age=3600',
      contentDisposition: expect.stringContaining(asset.originalFilename),
    });
    await trashAssets(work.context(), [asset.id]);
    const restored = await collect(restoreAssets(work.context(watching), [asset.id]));
    expect(puts.at(-1)).toMatchObject({ contentType: 'text/plain', cacheControl: 'public, max-age=3600' });
    expect(restored).toMatchObject([
      { asset: { isPublic: true, cdnUrl: expect.stringContaining('cdn.example.com/public/') } },
    ]);
    await unpublish(work, [asset], watching);
    expect(puts.at(-1)).toMatchObject({
      contentType: 'application/octet-stream',
      cacheControl: undefined,
      contentDisposition: undefined,
    });
  });

  test('is refused for what it is and for who asks', async () => {
    const work = await createWorkspace();
    const asset = await put(work, 'mine');
    const reason = async (changes: ContextChanges) => {
      const [outcome] = await publish(work, [asset], changes);
      return outcome?.kind === 'failed' ? outcome.failure.code : outcome?.kind;
    };
    const member = { role: 'member', user: 'bob' } as const;
    expect(await reason({ identity: member })).toBe('NOT_PERMITTED');
    expect(await reason({ identity: { ...member, organization: 'other' } })).toBe('ASSET_NOT_FOUND');
    const scanning = { mode: 'required', expected: true, scanner: () => Promise.reject(new Error('none')) } as const;
    expect(await reason({ scanning })).toBe('VERDICT_REQUIRED');
    await trashAssets(work.context(), [asset.id]);
    expect(await reason({})).toBe('STATE_CHANGED');
    expect((await keysIn(work)).some((key) => key.startsWith('public/'))).toBe(false);
  });

  test('is refused to what was public and comes back from the trash without a verdict, where one is required', async () => {
    const work = await createWorkspace();
    const asset = await put(work, 'seen', { isPublic: true });
    await trashAssets(work.context(), [asset.id]);
    const scanning = { mode: 'required', expected: true, scanner: () => Promise.reject(new Error('none')) } as const;
    const refused = { kind: 'failed', failure: { code: 'VERDICT_REQUIRED' } };
    expect(await collect(restoreAssets(work.context({ scanning }), [asset.id]))).toMatchObject([refused]);
    expect((await keysIn(work)).some((key) => key.startsWith('public/'))).toBe(false);
    expect(await collect(restoreAssets(work.context(), [asset.id]))).toMatchObject([{ kind: 'changed' }]);
  });

  test('whose bytes are damaged stays where it is', async () => {
    const work = await createWorkspace();
    const asset = await put(work, 'whole');
    await writeText(work.storage, asset.storagePath, 'DAMAG');
    expect(await publish(work, [asset])).toMatchObject([{ kind: 'failed', failure: { code: 'BYTES_DAMAGED' } }]);
    expect(await keysIn(work)).toEqual([asset.storagePath]);
  });

  test('that would share a private copy, which goes meanwhile, does without it', async () => {
    const work = await createWorkspace();
    const [open, twin] = [await put(work, 'shared', { isPublic: true }), await put(work, 'shared')];
    const selection = { kind: 'ids' as const, ids: [twin.id] };
    const overtaken: ContextChanges = {
      wrapStore: (store) => ({
        ...store,
        async stat(key, options) {
          if (key === twin.storagePath) await collect(deleteAssets(work.context(), { selection, dryRun: false }));
          return store.stat(key, options);
        },
      }),
    };
    expect(await unpublish(work, [open], overtaken)).toMatchObject([{ kind: 'changed' }]);
    expect(await read(work, open)).toBe('shared');
  });

  test('and was a photograph is still recognised by it, also after it went to another backend', async () => {
    const work = await createWorkspace({ backends: ['local', 'far'] });
    const path = await writeText(work.directory, 'me.jpg', await photograph(800, 600));
    const upload = async (backend: string) =>
      assetOf((await uploadPaths(work.context(), [path], { assetType: 'USER_AVATAR', backend }))[0]);
    const asset = await upload('local');
    await publish(work, [asset]);
    await unpublish(work, [asset]);
    const scope = { organization: 'acme' };
    await collect(
      migrate(work.context(), {
        ...{ from: 'local', to: 'far', scope, sourceEnd: { kind: 'delete' }, dryRun: false },
        selection: { kind: 'filter', scope, filter: {} },
        ...{ withFormerCopies: false, concurrency: 1, serverSide: true },
      }),
    );
    const context = work.context();
    const [found] = await (await work.catalog()).assets.byIds(context.identity, [asset.id]);
    expect(found?.asset.backend).toBe('far');
    const decoding = vi.spyOn(await import('../../src/content/images/transform-image.ts'), 'transformImage');
    expect(await upload('far')).toMatchObject({ fileHash: asset.fileHash, storagePath: found?.asset.storagePath });
    expect(decoding).not.toHaveBeenCalled();
  });
});

await describeWithService('postgres', 'publishing on PostgreSQL', () => {
  test('lets many hosts change the same assets at once', async () => {
    const open = OPENERS['LOCAL'];
    if (open === undefined) throw new Error('no store');
    const work = await workspaceOn(open, await createDatabase());
    const assets = await Promise.all(['same', 'same', 'same', 'other'].map((content) => put(work, content)));
    const hosts = Array.from({ length: 6 }, (_, host) => (host % 2 === 0 ? publish : unpublish)(work, assets));
    for (const outcome of (await Promise.all(hosts)).flat()) {
      if (outcome.kind === 'failed') expect(outcome.failure.code).toBe('STATE_CHANGED');
    }
    expect((await unpublish(work, assets)).map(({ kind }) => kind)).toEqual(Array(4).fill('changed'));
    for (const [index, asset] of assets.entries()) expect(await read(work, asset)).toBe(index < 3 ? 'same' : 'other');
    expect(await keysIn(work)).toHaveLength(2);
  });
});
