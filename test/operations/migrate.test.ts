import { createHash, randomUUID } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { MARKER_KEY } from '../../src/core/marker-key.ts';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { unpublishAssets } from '../../src/operations/changes/publish.ts';
import { trashAssets } from '../../src/operations/changes/trash.ts';
import { chunksOf, readAsset } from '../../src/operations/download/read-asset.ts';
import { migrate } from '../../src/operations/moving/migrate.ts';
import { migrationFailures, migrationRun, writeManifest } from '../../src/operations/moving/migrate-report.ts';
import type { MigrateOutcome, MigrateRequest } from '../../src/operations/moving/migrate-run.ts';
import { deleteAssets } from '../../src/operations/removal/delete.ts';
import { verify } from '../../src/operations/verify/verify.ts';
import { verifyManifest } from '../../src/operations/verify/verify-manifest.ts';
import { openAzureBackend } from '../../src/storage/azure/azure-backend.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { openGcsBackend } from '../../src/storage/gcs/gcs-backend.ts';
import { openBackend } from '../../src/storage/open.ts';
import { withRetries } from '../../src/storage/retry.ts';
import { openS3Backend } from '../../src/storage/s3/s3-backend.ts';
import { StorageError } from '../../src/storage/storage-error.ts';
import { memoryBody } from '../support/bodies.ts';
import { azureDefinition, gcsDefinition, s3Definition, TIMEOUTS, useS3Credentials } from '../support/cloud-stores.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { createBucket, service } from '../support/services/index.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { type ContextChanges, createWorkspace, temporaryDirectory, type Workspace } from '../support/workspace.ts';

const REQUEST: MigrateRequest = {
  from: 'near',
  to: 'far',
  scope: { organization: 'acme' },
  selection: { kind: 'filter', scope: { organization: 'acme' }, filter: { status: 'any', expired: 'include' } },
  withFormerCopies: true,
  sourceEnd: { kind: 'delete' },
  dryRun: false,
  concurrency: 4,
  serverSide: true,
};

type Opener = (name: string) => Promise<StorageBackend>;
const OPENERS: Record<string, Opener> = {
  LOCAL: async (name) => openBackend({ name, provider: 'LOCAL', path: await temporaryDirectory() }, TIMEOUTS),
};
const s3 = await service('s3');
if (!('skip' in s3)) {
  useS3Credentials(s3);
  OPENERS['AWS_S3'] = async (name) => openS3Backend({ ...s3Definition(s3, await createBucket('s3')), name }, TIMEOUTS);
}
const gcs = await service('gcs');
if (!('skip' in gcs)) {
  OPENERS['GOOGLE_CLOUD_STORAGE'] = async (name) =>
    openGcsBackend({ ...gcsDefinition(gcs, await createBucket('gcs')), name }, TIMEOUTS);
}
const azure = await service('azure');
if (!('skip' in azure)) {
  OPENERS['AZURE_BLOB'] = async (name) =>
    openAzureBackend({ ...azureDefinition(azure, await createBucket('azure')), name }, TIMEOUTS);
}
const PAIRS = Object.keys(OPENERS).flatMap((from) => Object.keys(OPENERS).map((to) => ({ from, to })));

async function createPair(from: string, to: string, create = createWorkspace): Promise<Workspace> {
  const stores = new Map<string, Promise<StorageBackend>>();
  const openStore = (name: string) => {
    const open = OPENERS[name === 'near' ? from : to];
    if (open === undefined) throw new Error(`no ${name}`);
    const store = stores.get(name) ?? open(name).then((bare) => withRetries(bare, { deadline: 20_000 }));
    stores.set(name, store);
    return store;
  };
  return create({ backends: ['near', 'far'], openStore });
}

async function put(
  work: Workspace,
  content: string,
  changes: Parameters<typeof uploadPaths>[2] = {},
  context: ContextChanges = {},
): Promise<Asset> {
  const path = await writeText(work.directory, `${randomUUID()}.txt`, content);
  return assetOf((await uploadPaths(work.context(context), [path], { backend: 'near', ...changes }))[0]);
}

async function keysIn(work: Workspace, name: string): Promise<string[]> {
  const store = await work.context().backends.open(name);
  const found = await collect(store.list(''));
  return found.map(({ key }) => key as string).filter((key) => key !== '.asset-cli.json');
}

async function objectIdOf(work: Workspace, { id }: Asset): Promise<string> {
  const [found] = await (await work.catalog()).assets.byIds(work.context().identity, [id]);
  return found?.object.id ?? '';
}

async function read(work: Workspace, asset: Asset): Promise<string> {
  const context = work.context();
  const [found] = await (await work.catalog()).assets.byIds(context.identity, [asset.id]);
  if (found === undefined) throw new Error(`${asset.id} is gone`);
  let content = '';
  await readAsset(context, found, async (body) => {
    content = '';
    for await (const chunk of chunksOf(body)) content += Buffer.from(chunk).toString();
  });
  return content;
}

const run = (
  work: Workspace,
  changes: Partial<MigrateRequest> = {},
  context: Parameters<Workspace['context']>[0] = {},
) => collect(migrate(work.context(context), { ...REQUEST, ...changes }));
const of = <K extends MigrateOutcome['kind']>(outcomes: readonly MigrateOutcome[], kind: K) =>
  outcomes.filter((outcome): outcome is Extract<MigrateOutcome, { kind: K }> => outcome.kind === kind);
const runIdOf = (outcomes: readonly MigrateOutcome[]): string => of(outcomes, 'begun')[0]?.runId ?? '';

describe.each(PAIRS)('from $from to $to', ({ from, to }) => {
  test('moves everything, and its manifest proves it', async () => {
    const work = await createPair(from, to);
    const assets = [await put(work, 'one'), await put(work, 'two'), await put(work, 'two')];
    const open = await put(work, 'for all', { isPublic: true });
    const large = await put(work, 'x'.repeat(2 ** 20 - 1));
    const manifest = join(work.directory, 'moved.jsonl');
    const outcomes = await run(work, { manifest });
    expect(of(outcomes, 'failed')).toEqual([]);
    expect(of(outcomes, 'moved')).toHaveLength(4);
    expect(outcomes.at(-1)).toEqual({ kind: 'ended', remaining: 0 });
    expect(await keysIn(work, 'near')).toEqual([]);
    expect(await keysIn(work, 'far')).toHaveLength(4);
    expect(await keysIn(work, 'far')).toContain(open.storagePath);
    const found = await (await work.catalog()).assets.byIds(work.context().identity, [open.id]);
    const store = await work.context().backends.open('far');
    const stored = await store.stat(parseStorageKey(found[0]?.asset.storagePath ?? ''));
    if (to !== 'LOCAL') expect(stored.contentType).toBe('text/plain');
    expect(await read(work, large)).toHaveLength(2 ** 20 - 1);
    const verdicts = await collect(verifyManifest(work.context(), { path: manifest, allOrganizations: false }));
    expect(verdicts.map(({ id, kind }) => `${id} ${kind}`).sort()).toEqual(
      [...assets, open, large].map(({ id }) => `${id} same`).sort(),
    );
    expect(of(await run(work), 'moved')).toEqual([]);
  });

  test('readers, writers and deletes never notice', async () => {
    const work = await createPair(from, to);
    const contents = Array.from({ length: 20 }, (_, index) => `content ${index}`);
    const assets: Asset[] = [];
    for (const content of contents) assets.push(await put(work, content));
    const doomed = assets.pop();
    let isRunning = true;
    const readers = (async () => {
      let reads = 0;
      while (isRunning) {
        for (const [index, asset] of assets.entries()) expect(await read(work, asset)).toBe(contents[index]);
        reads += 1;
        // A local read may never leave the microtasks, and would keep everyone else from their turn.
        await nextTurn();
      }
      return reads;
    })();
    const writing = put(work, 'written meanwhile');
    const deleting = collect(
      deleteAssets(work.context(), { selection: { kind: 'ids', ids: [doomed?.id ?? ''] }, dryRun: false }),
    );
    const [one, two] = await Promise.all([run(work), run(work)]).finally(() => {
      isRunning = false;
    });
    expect(await readers).toBeGreaterThan(0);
    expect(await deleting).toMatchObject([{ kind: 'deleted' }]);
    expect([...of(one, 'failed'), ...of(two, 'failed')]).toEqual([]);
    await writing;
    await run(work);
    expect(await keysIn(work, 'near')).toEqual([]);
    expect(await keysIn(work, 'far')).toHaveLength(20);
  });

  test('a damaged and a vanished source stay where they are and are named', async () => {
    const work = await createPair(from, to);
    const [whole, damaged, gone] = [await put(work, 'whole'), await put(work, 'damaged'), await put(work, 'gone')];
    const store = await work.context().backends.open('near');
    await store.put(parseStorageKey(damaged.storagePath), memoryBody(Buffer.from('DAMAGED')));
    await store.deleteMany([parseStorageKey(gone.storagePath)]);
    const outcomes = await run(work);
    expect(of(outcomes, 'moved').map(({ assets }) => assets[0]?.id)).toEqual([whole.id]);
    expect(
      of(outcomes, 'failed')
        .map(({ ids, failure }) => `${ids[0]} ${failure.code}`)
        .sort(),
    ).toEqual([`${damaged.id} BYTES_DAMAGED`, `${gone.id} BYTES_MISSING`].sort());
    expect(await keysIn(work, 'far')).toHaveLength(1);
    expect(await keysIn(work, 'near')).toEqual([damaged.storagePath]);
    await store.put(parseStorageKey(damaged.storagePath), memoryBody(Buffer.from('damaged')));
    expect(of(await run(work, { selection: { kind: 'failed' } }), 'moved')).toHaveLength(1);
  });
});

describe.each(Object.keys(OPENERS))('compressed text from a directory to %s', (to) => {
  const text = 'the same words again and again\n'.repeat(100_000);

  async function moved(compress: boolean | 'auto') {
    const work = await createPair('LOCAL', to);
    const path = await writeText(work.directory, 'words.txt', text);
    const context = work.context({ maxFileSize: 2 ** 23 });
    const asset = assetOf((await uploadPaths(context, [path], { backend: 'near' }))[0]);
    const changes = { content: { compress } };
    expect(of(await run(work, {}, changes), 'failed')).toEqual([]);
    const [found] = await (await work.catalog()).assets.byIds(work.context().identity, [asset.id]);
    const store = await work.context().backends.open('far');
    const stored = await store.stat(parseStorageKey(found?.asset.storagePath ?? ''));
    const wrong = await collect(
      verify(work.context(), { allOrganizations: false, deep: true, resume: false, repair: false }),
    );
    expect(wrong.filter(({ kind }) => kind !== 'checked')).toEqual([]);
    expect(found?.asset).toMatchObject({ fileHash: asset.fileHash, fileSize: text.length });
    expect(await read(work, asset)).toBe(text);
    expect(stored.size).toBe(found?.object.storedSize);
    return { encoding: found?.object.contentEncoding, size: stored.size };
  }

  test('is what every reader of a signed URL gets', async () => {
    const isDecoded = to === 'AWS_S3' || to === 'AZURE_BLOB';
    const { encoding, size } = await moved('auto');
    expect(encoding).toBe(isDecoded ? null : 'gzip');
    expect(size === text.length).toBe(isDecoded);
  });

  test('stays compressed where that was asked for', async () => {
    expect((await moved(true)).encoding).toBe('gzip');
  });
});

test.skipIf(OPENERS['GOOGLE_CLOUD_STORAGE'] === undefined)(
  'coded bytes that have no hash of their own are judged by what they decode to',
  async () => {
    const work = await createPair('GOOGLE_CLOUD_STORAGE', 'LOCAL');
    const asset = await put(work, 'a line of a report, and another\n'.repeat(600));
    const damaged = await put(work, 'a line of a report, and one more\n'.repeat(600));
    const store = await work.context().backends.open('near');
    await store.put(parseStorageKey(damaged.storagePath), memoryBody(gzipSync('another content')), {
      contentEncoding: 'gzip',
    });
    const outcomes = await run(work);
    expect(of(outcomes, 'moved').map(({ source }) => source.storagePath)).toEqual([asset.storagePath]);
    expect(of(outcomes, 'failed')).toMatchObject([{ ids: [damaged.id], failure: { code: 'BYTES_DAMAGED' } }]);
  },
);

test('a large content that is stored in few bytes is not held in memory', async () => {
  const work = await createPair('LOCAL', 'LOCAL');
  const path = join(work.directory, 'large.txt');
  const piece = 'line of a report'.repeat(2 ** 16);
  const pieces = 400;
  for (let count = 0; count < pieces; count += 1) await appendFile(path, piece);
  const [outcome] = await uploadPaths(work.context({ maxFileSize: 2 ** 30 }), [path], { backend: 'near' });
  const { fileSize } = assetOf(outcome);
  expect(fileSize).toBe(piece.length * pieces);
  const mostMemory = () => process.resourceUsage().maxRSS * 1024;
  const before = mostMemory();
  expect(of(await run(work), 'moved')).toHaveLength(1);
  expect(mostMemory() - before).toBeLessThan(fileSize / 2);
});

await describeEachDatabase('several hosts', ({ createWorkspace }) => {
  test('hosts share a migration without overlap, of every kind of object', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    for (let index = 0; index < 30; index += 1) await put(work, `content ${index}`, { isPublic: index % 3 === 0 });
    const damaged = await put(work, 'damaged');
    const store = await work.context().backends.open('near');
    await store.put(parseStorageKey(damaged.storagePath), memoryBody(Buffer.from('DAMAGED')));
    const runs = await Promise.all([run(work), run(work), run(work), run(work)]);
    const moved = runs.flatMap((outcomes) => of(outcomes, 'moved').map(({ source }) => source.id));
    expect(moved).toHaveLength(30);
    expect(new Set(moved).size).toBe(30);
    expect(await keysIn(work, 'far')).toHaveLength(30);
    const reports = await Promise.all(runs.map((outcomes) => migrationRun(work.context(), runIdOf(outcomes))));
    expect(reports.reduce((sum, { assets }) => sum + assets, 0)).toBe(30);
    const [report] = reports;
    if (report === undefined) throw new Error('no run');
    await writeManifest(work.context(), report, join(work.directory, 'one.jsonl'));
    await store.put(parseStorageKey(damaged.storagePath), memoryBody(Buffer.from('damaged')));
    const request: Partial<MigrateRequest> = {
      selection: { kind: 'failed' },
      sourceEnd: { kind: 'retain', seconds: 60 },
    };
    expect(of(await run(work, request), 'moved')).toHaveLength(1);
    expect(await keysIn(work, 'near')).toEqual([damaged.storagePath]);
  });
});

await describeEachDatabase('a migration', ({ createWorkspace }) => {
  test('leaves alone what became a former copy after it was met: nothing is stored without an asset', async () => {
    const work = await createWorkspace({ backends: ['near', 'far', 'third'] });
    const asset = await put(work, 'for all', { isPublic: true });
    const context = work.context();
    const overtaken = async () => {
      const catalog = await work.catalog();
      const begin: typeof catalog.moves.begin = async (...call) => {
        await run(work, { sourceEnd: { kind: 'retain', seconds: 60 } });
        return catalog.moves.begin(...call);
      };
      return { ...catalog, moves: { ...catalog.moves, begin } };
    };
    const request = { ...REQUEST, to: 'third', withFormerCopies: false };
    const late = await collect(migrate({ ...context, catalog: overtaken }, request));
    expect(of(late, 'moved')).toEqual([]);
    expect((await (await work.catalog()).maintenance.status()).objects).toMatchObject({ STORED: 1, PENDING: 0 });
    expect(await keysIn(work, 'far')).toEqual([asset.storagePath]);
    expect(await keysIn(work, 'third')).toEqual([]);
  });

  test('counts what is on its way', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    await put(work, 'x'.repeat(2 ** 19), { compress: false });
    let isSeen = (): void => undefined;
    const seen = new Promise<void>((resolve) => {
      isSeen = resolve;
    });
    const wrapStore = (store: StorageBackend): StorageBackend => ({
      ...store,
      async put(key, body, options) {
        if (body.size === 2 ** 19) await seen;
        return store.put(key, body, options);
      },
    });
    const outcomes: MigrateOutcome[] = [];
    for await (const outcome of migrate(work.context({ wrapStore }), REQUEST)) {
      outcomes.push(outcome);
      if (outcome.kind === 'progress' && outcome.underWay === 2 ** 19) isSeen();
    }
    expect(of(outcomes, 'progress').map(({ underWay }) => underWay)).toContain(2 ** 19);
    expect(of(outcomes, 'moved')).toHaveLength(1);
  });

  test('says beforehand what it would skip, and keeps what it has skipped', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    const held = await put(work, 'held');
    await put(work, 'held', { backend: 'far' });
    const [busy, free] = [await put(work, 'busy'), await put(work, 'free')];
    const { identity, audit } = work.context();
    const catalog = await work.catalog();
    const [damaged] = await catalog.inventory.goodCopies('acme', held.fileHash, await objectIdOf(work, held));
    if (damaged === undefined) throw new Error('no copy');
    await catalog.inventory.mark(identity, damaged, true, {}, audit);
    const storagePath = parseStorageKey(`acme/document_upload/2030/01/02/${randomUUID()}.txt`);
    const to = { backend: 'far', storageProvider: 'LOCAL', storagePath, isPublic: false } as const;
    await catalog.moves.begin([{ ...to, sourceObjectId: await objectIdOf(work, busy) }], 60);
    const expected = [
      { kind: 'skipped', ids: [held.id], reason: 'target-damaged' },
      { kind: 'skipped', ids: [busy.id], reason: 'busy' },
    ];
    const planned = await run(work, { dryRun: true });
    expect(of(planned, 'skipped')).toEqual(expect.arrayContaining(expected));
    expect(of(planned, 'would-move').map(({ assets }) => assets[0]?.id)).toEqual([free.id]);
    const outcomes = await run(work, {}, { leaseSeconds: 1 });
    expect(of(outcomes, 'skipped')).toHaveLength(2);
    expect(of(outcomes, 'skipped')).toEqual(expect.arrayContaining(expected));
    const kept = await catalog.migrations.skips(runIdOf(outcomes), undefined, 9);
    expect(kept.map(({ reason }) => reason).sort()).toEqual(['busy', 'target-damaged']);
  });

  test('tells how much it waits for that another run holds', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    const [busy] = [await put(work, 'busy'), await put(work, 'free')];
    const storagePath = parseStorageKey(`acme/document_upload/2030/01/02/${randomUUID()}.txt`);
    const to = { backend: 'far', storageProvider: 'LOCAL', storagePath, isPublic: false } as const;
    await (await work.catalog()).moves.begin([{ ...to, sourceObjectId: await objectIdOf(work, busy) }], 60);
    const stop = new AbortController();
    const outcomes: MigrateOutcome[] = [];
    for await (const outcome of migrate(work.context({ signal: stop.signal }), REQUEST)) {
      outcomes.push(outcome);
      if (outcome.kind === 'progress' && outcome.awaited === 1) stop.abort(new Error('seen'));
    }
    expect(stop.signal.aborted).toBe(true);
    expect(of(outcomes, 'moved')).toHaveLength(1);
    expect(of(outcomes, 'skipped')).toEqual([{ kind: 'skipped', ids: [busy.id], reason: 'busy' }]);
  });

  test('that was told to stop leaves the rest, and the next goes on', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    for (const content of ['a', 'b', 'c']) await put(work, content);
    expect((await run(work, { maxDuration: 0 })).at(-1)).toEqual({ kind: 'ended', remaining: 3 });
    expect(of(await run(work), 'moved')).toHaveLength(3);
  });

  test('gives up what it has claimed and not begun when it is to stop, for the next at once', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    for (let index = 0; index < 40; index += 1) await put(work, `content ${index}`);
    const stop = new AbortController();
    let puts = 0;
    const stopping = (store: StorageBackend): StorageBackend => ({
      ...store,
      put(...args) {
        puts += 1;
        if (puts === 4) stop.abort();
        return store.put(...args);
      },
    });
    const first = await run(work, { concurrency: 1 }, { wrapStore: stopping, signal: stop.signal });
    const moved = of(first, 'moved').length;
    // The marker of the destination, and three objects.
    expect(moved).toBe(3);
    expect(of(first, 'failed')).toEqual([]);
    expect(first.at(-1)).toEqual({ kind: 'ended', remaining: 40 - moved });
    const second = await run(work);
    expect([of(second, 'moved').length, of(second, 'skipped')]).toEqual([40 - moved, []]);
    expect(await keysIn(work, 'far')).toHaveLength(40);
  });

  test('does not begin at its end what waits for its share of the bandwidth', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    for (let index = 0; index < 8; index += 1) await put(work, `${index}`.repeat(1000));
    const slow = { serverSide: false, concurrency: 8, bandwidth: 1000 };
    const first = await run(work, { ...slow, maxDuration: 1500 });
    const moved = of(first, 'moved').length;
    expect(moved).toBeLessThan(4);
    expect(of(first, 'failed')).toEqual([]);
    expect(first.at(-1)).toEqual({ kind: 'ended', remaining: 8 - moved });
    expect(of(await run(work), 'moved')).toHaveLength(8 - moved);
  });

  test('does not begin at its end what waits for two large objects', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    for (let index = 0; index < 4; index += 1)
      await put(work, `${index}`.repeat(2 ** 20 + 1), {}, { maxFileSize: 2 ** 22 });
    const stop = new AbortController();
    const stopping = (store: StorageBackend): StorageBackend => ({
      ...store,
      put(key, ...rest) {
        if (key !== MARKER_KEY) stop.abort(new Error('enough'));
        return store.put(key, ...rest);
      },
    });
    const outcomes = await run(work, { serverSide: false }, { wrapStore: stopping, signal: stop.signal });
    const moved = of(outcomes, 'moved').length;
    expect(moved).toBeLessThanOrEqual(2);
    expect(of(outcomes, 'failed')).toEqual([]);
    expect(outcomes.at(-1)).toEqual({ kind: 'ended', remaining: 4 - moved });
  });

  test('moves an object if any of its assets matches, and plans without a change', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    const [one, two] = [await put(work, 'shared', { projectId: 'p' }), await put(work, 'shared')];
    await put(work, 'other');
    const selection: MigrateRequest['selection'] = {
      kind: 'filter',
      scope: REQUEST.scope,
      filter: { projectId: 'p' },
    };
    const planned = of(await run(work, { selection, dryRun: true }), 'would-move');
    expect(planned.flatMap(({ assets }) => assets.map(({ id }) => id)).sort()).toEqual([one.id, two.id].sort());
    expect(await keysIn(work, 'far')).toEqual([]);
    await run(work, { selection });
    expect(await keysIn(work, 'far')).toHaveLength(1);
    expect(await keysIn(work, 'near')).toHaveLength(1);
  });

  test('keeps the source where it is told to, and moves no kept copy again', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    const asset = await put(work, 'kept');
    await run(work, { sourceEnd: { kind: 'retain', seconds: 86_400 } });
    expect(await keysIn(work, 'near')).toEqual([asset.storagePath]);
    expect(of(await run(work), 'moved')).toEqual([]);
    expect(await keysIn(work, 'near')).toEqual([asset.storagePath]);
  });

  test('a public address that is withdrawn ends in the store that was left, too, and no other', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    const context = work.context();
    const shared = { isPublic: true };
    const [unpublished, trashed, deleted, stays] = [
      await put(work, 'one content', shared),
      await put(work, 'one content', shared),
      await put(work, 'one content', shared),
      await put(work, 'one content', shared),
    ];
    await collect(migrate(context, { ...REQUEST, sourceEnd: { kind: 'retain', seconds: 3600 } }));
    expect(await keysIn(work, 'near')).toHaveLength(4);
    const outcomes = await collect(unpublishAssets(context, [unpublished.id]));
    outcomes.push(...(await trashAssets(context, [trashed.id])));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['changed', 'changed']);
    const selection = { kind: 'ids' as const, ids: [deleted.id] };
    await collect(deleteAssets(context, { selection, dryRun: false, trash: false }));
    expect(await keysIn(work, 'near')).toEqual([stays.storagePath]);
  });

  test.each(['trash', 'unpublish'] as const)(
    'does not keep anyone from withdrawing what it copies: %s',
    async (how) => {
      const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
      const asset = await put(work, 'a secret that was public for a while', { isPublic: true });
      const stop = new AbortController();
      const copying = run(work, { serverSide: false, bandwidth: 5 }, { signal: stop.signal });
      const { leftovers } = await work.catalog();
      await expect.poll(async () => (await leftovers.alivePaths('far', [asset.storagePath])).size).toBe(1);
      const context = work.context();
      const [outcome] =
        how === 'trash' ? await trashAssets(context, [asset.id]) : await collect(unpublishAssets(context, [asset.id]));
      expect(outcome).toMatchObject({ kind: 'changed', asset: { backend: 'near' } });
      expect(await keysIn(work, 'near')).toEqual([expect.stringMatching(/^(?!public\/)/)]);
      stop.abort(new Error('enough'));
      await copying;
      expect(await keysIn(work, 'far')).toEqual([]);
      expect(await keysIn(work, 'near')).toHaveLength(1);
    },
  );

  test('stops at a full destination, where everything else stays as it was', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    const assets = [await put(work, 'a'), await put(work, 'b'), await put(work, 'c')];
    const wrapStore = (store: StorageBackend): StorageBackend =>
      store.name === 'near' ? store : { ...store, put: full(store) };
    const outcomes = await run(work, { concurrency: 1 }, { wrapStore });
    expect(of(outcomes, 'moved')).toEqual([]);
    expect(of(outcomes, 'failed')[0]?.failure.code).toBe('DISK_FULL');
    expect(await Promise.all(assets.map((asset) => read(work, asset)))).toEqual(['a', 'b', 'c']);
  });

  test('is reported, and its manifest comes from the audit trail too', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    const [kept, deleted] = [await put(work, 'kept'), await put(work, 'deleted')];
    const path = join(work.directory, 'again.jsonl');
    const runId = runIdOf(await run(work));
    const found = await migrationRun(work.context(), runId.slice(0, 8));
    expect(found).toMatchObject({ id: runId, objects: 2, assets: 2, bytes: 11, failed: 0, remaining: 0 });
    expect(await collect(migrationFailures(work.context(), found))).toEqual([]);
    await writeManifest(work.context(), found, path);
    await collect(deleteAssets(work.context(), { selection: { kind: 'ids', ids: [deleted.id] }, dryRun: false }));
    const check = () => collect(verifyManifest(work.context(), { path, allOrganizations: false }));
    expect((await check()).map(({ id, kind }) => `${id} ${kind}`).sort()).toEqual(
      [`${kept.id} same`, `${deleted.id} deleted`].sort(),
    );
    const store = await work.context().backends.open('far');
    const [key = ''] = await keysIn(work, 'far');
    await store.put(parseStorageKey(key), memoryBody(Buffer.from('KEPT')));
    expect(await check()).toContainEqual(
      expect.objectContaining({ kind: 'wrong', failure: expect.objectContaining({ code: 'BYTES_DAMAGED' }) }),
    );
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const hash = createHash('sha256')
      .update(`${lines.slice(0, -1).join('\n')}\n`)
      .digest('hex');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ assets: 2, sha256: hash });
    await writeText(work.directory, 'again.jsonl', lines.slice(0, -1).join('\n'));
    await expect(check()).rejects.toMatchObject({ code: 'BYTES_DAMAGED' });
  });

  test('is for admins and operators', async () => {
    const work = await createPair('LOCAL', 'LOCAL', createWorkspace);
    await expect(run(work, {}, { identity: { role: 'member' } })).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    await expect(run(work, { to: 'near' })).rejects.toMatchObject({ code: 'USAGE' });
  });
});

/** No room but for the marker. */
function full(store: StorageBackend): StorageBackend['put'] {
  return (key, body, options) => {
    if (key.startsWith('.')) return store.put(key, body, options);
    return Promise.reject(new StorageError('FULL', 'no space left', { backend: store.name, key }));
  };
}
