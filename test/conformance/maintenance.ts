import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { extendAssets } from '../../src/operations/changes/extend.ts';
import { restoreAssets } from '../../src/operations/changes/trash.ts';
import { type SignOutcome, sign } from '../../src/operations/download/sign.ts';
import { moveBytes } from '../../src/operations/moving/move-bytes.ts';
import { deleteAssets } from '../../src/operations/removal/delete.ts';
import { purgeExpired } from '../../src/operations/removal/purge-expired.ts';
import type { PurgeOutcome, PurgeRequest } from '../../src/operations/removal/purge-run.ts';
import { verify } from '../../src/operations/verify/verify.ts';
import type { Finding, VerifyOutcome, VerifyRequest } from '../../src/operations/verify/verify-run.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { StorageError } from '../../src/storage/storage-error.ts';
import { memoryBody } from '../support/bodies.ts';
import { movePublic } from '../support/moved-public.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import type { ContextChanges, Workspace } from '../support/workspace.ts';

export interface MaintenanceSuite {
  /** A catalog and a store of a test's own, by the names of its backends: the first is the default. */
  create(backends?: readonly string[]): Promise<Workspace>;
  /** Runs SQL on the catalog of a workspace: to let time pass. */
  query(work: Workspace, statement: string): Promise<unknown>;
}

const PURGE: PurgeRequest = { allOrganizations: false, dryRun: false, batchSize: 100 };
const VERIFY: VerifyRequest = { allOrganizations: false, deep: false, resume: false, repair: false };
const LONG_AGO = '2020-01-01T00:00:00.000Z';

function createGate(): { open: () => void; opened: Promise<void> } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

function signed(work: Workspace, ids: readonly string[]): Promise<SignOutcome[]> {
  return collect(sign(work.context(), { ids, inline: false, noCdn: false }));
}

/** A store whose puts wait for something first. */
function putting(wait: () => Promise<void>): (store: StorageBackend) => StorageBackend {
  return (store) => ({
    ...store,
    async put(...call) {
      await wait();
      return store.put(...call);
    },
  });
}

/** A store that waits for something before it tells of one object. */
function looking(at: string, wait: () => Promise<void>): (store: StorageBackend) => StorageBackend {
  return (store) => ({
    ...store,
    async stat(key, ...rest) {
      if (key === at) await wait();
      return store.stat(key, ...rest);
    },
  });
}

/** What cron runs at night, over one database and one kind of store. */
export function describeMaintenance(name: string, suite: MaintenanceSuite): void {
  const put = async (work: Workspace, content: string, changes: Parameters<typeof uploadPaths>[2] = {}) => {
    const path = await writeText(work.directory, `${randomUUID()}.txt`, content);
    const context = work.context();
    const request = { backend: context.backends.defaultName, ...changes };
    return assetOf((await uploadPaths(context, [path], request))[0]);
  };
  const keys = async (work: Workspace, backend?: string): Promise<string[]> => {
    const context = work.context();
    const store = await context.backends.open(backend ?? context.backends.defaultName);
    const found = await collect(store.list(''));
    return found.map(({ key }) => key as string).filter((key) => key !== '.asset-cli.json');
  };
  const purge = (work: Workspace, changes: Partial<PurgeRequest> = {}, context: ContextChanges = {}) =>
    collect(purgeExpired(work.context(context), { ...PURGE, ...changes }));
  const check = (work: Workspace, changes: Partial<VerifyRequest> = {}, context: ContextChanges = {}) =>
    collect(verify(work.context(context), { ...VERIFY, ...changes }));
  const expire = (work: Workspace, asset: Asset) =>
    suite.query(work, `update assets set expires_at = '${LONG_AGO}' where id = '${asset.id}'`);
  const events = async (work: Workspace, action: string) =>
    (await (await work.catalog()).audit.page({ allOrganizations: true }, { action }, 500)).events;

  describe(`maintenance of ${name}`, () => {
    test('says which store it could not clean up', async () => {
      const work = await suite.create(['one', 'two']);
      await put(work, 'one', { backend: 'one' });
      await put(work, 'two', { backend: 'two' });
      const wrapStore = (store: StorageBackend): StorageBackend => {
        const away = new StorageError('STORE_MISSING', 'it is away', { backend: store.name });
        return store.name === 'two' ? { ...store, get: () => Promise.reject(away) } : store;
      };
      expect((await purge(work, {}, { wrapStore })).filter(({ kind }) => kind === 'failed')).toEqual([]);
      const told = work.warnings.filter((warning) => warning.includes('not cleaned up'));
      expect(told).toEqual([expect.stringContaining('two')]);
    });

    test('purges what expired with its bytes, and names before what it takes', async () => {
      const work = await suite.create();
      const [one, two, kept] = [await put(work, 'one'), await put(work, 'two'), await put(work, 'kept')];
      await expire(work, one);
      await expire(work, two);
      const planned = await purge(work, { dryRun: true });
      expect(ids(planned, 'would-purge')).toEqual([one.id, two.id].sort(byAge([one, two])));
      expect(await keys(work)).toHaveLength(3);
      const outcomes = await purge(work);
      expect(ids(outcomes, 'purged')).toEqual(ids(planned, 'would-purge'));
      expect(outcomes[0]).toEqual({ kind: 'due', count: 2 });
      expect(outcomes.at(-1)).toEqual({ kind: 'remaining', count: 0 });
      expect(await keys(work)).toEqual([kept.storagePath]);
      expect((await events(work, 'deleted')).map(({ assetId }) => assetId).sort()).toEqual([one.id, two.id].sort());
      expect(ids(await purge(work), 'purged')).toEqual([]);
    });

    test('takes what expired off its public address everywhere, also for an admin, who cleans up no leftovers', async () => {
      const work = await suite.create(['near', 'far']);
      const asset = await put(work, 'seen', { isPublic: true });
      await movePublic(work, asset, 'far');
      expect(await keys(work, 'near')).toEqual([asset.storagePath]);
      await expire(work, asset);
      expect(ids(await purge(work, {}, { identity: { role: 'admin' } }), 'purged')).toEqual([asset.id]);
      expect([...(await keys(work, 'near')), ...(await keys(work, 'far'))]).toEqual([]);
    });

    test('goes no further than it is told', async () => {
      const work = await suite.create();
      const assets = [await put(work, 'a'), await put(work, 'b'), await put(work, 'c')];
      for (const asset of assets) await expire(work, asset);
      await expect(purge(work, { maxDelete: { kind: 'count', count: 2 } })).rejects.toMatchObject({
        code: 'MAX_DELETE_EXCEEDED',
      });
      expect(await keys(work)).toHaveLength(3);
      const limited = await purge(work, { limit: 1, maxDelete: { kind: 'percent', percent: 34 } });
      expect(ids(limited, 'purged')).toHaveLength(1);
      expect(limited.at(-1)).toEqual({ kind: 'remaining', count: 2 });
      expect((await purge(work, { maxDuration: 0 })).at(-1)).toEqual({ kind: 'remaining', count: 2 });
      expect(ids(await purge(work, { assetType: 'EXPORT_FILE' }), 'purged')).toEqual([]);
      expect(ids(await purge(work, { batchSize: 1 }), 'purged')).toHaveLength(2);
    });

    test('says what remains in a store that is down, and goes on with the others', async () => {
      const work = await suite.create(['near', 'far']);
      const near = await put(work, 'near');
      const far = await put(work, 'far', { backend: 'far' });
      await expire(work, near);
      await expire(work, far);
      const broken: ContextChanges = { wrapStore: (store) => (store.name === 'far' ? down(store) : store) };
      const outcomes = await purge(work, {}, broken);
      expect(ids(outcomes, 'purged')).toEqual([near.id]);
      expect(outcomes).toContainEqual({
        kind: 'failed',
        subject: { backend: 'far' },
        failure: expect.objectContaining({ code: 'UNAVAILABLE', message: expect.stringContaining('1 due there') }),
      });
      expect(outcomes.at(-1)).toEqual({ kind: 'remaining', count: 1 });
      expect(ids(await purge(work), 'purged')).toEqual([far.id]);
      expect([...(await keys(work, 'near')), ...(await keys(work, 'far'))]).toEqual([]);
    });

    test('keeps the row of bytes that resist, and the next run removes them', async () => {
      const work = await suite.create();
      await expire(work, await put(work, 'stubborn'));
      const outcomes = await purge(work, {}, { wrapStore: withoutDeletes });
      expect(outcomes).toContainEqual(
        expect.objectContaining({ kind: 'failed', failure: expect.objectContaining({ code: 'BYTES_REMAIN' }) }),
      );
      expect(await keys(work)).toHaveLength(1);
      await suite.query(work, `update objects set lease_expires_at = '${LONG_AGO}'`);
      expect(await purge(work)).toContainEqual({ kind: 'leftovers', count: 1, bytes: 8 });
      expect(await keys(work)).toEqual([]);
    });

    test('undoes an upload that was killed, and keeps its row for a day', async () => {
      const work = await suite.create();
      await put(work, 'other');
      const crashing: ContextChanges = { wrapStore: (store) => ({ ...store, put: crashAfterPut(store) }) };
      const path = await writeText(work.directory, 'killed.txt', 'killed');
      const context = work.context(crashing);
      // The process is gone: nothing undoes the upload.
      context.catalog = async () => {
        const catalog = await work.catalog();
        return { ...catalog, uploads: { ...catalog.uploads, abandon: () => Promise.reject(new Error('killed')) } };
      };
      await uploadPaths(context, [path], { backend: context.backends.defaultName });
      expect(await keys(work)).toHaveLength(2);
      expect(findings(await check(work))).toEqual([]);
      const recently = new Date(Date.now() - 60_000).toISOString();
      await suite.query(work, `update objects set lease_expires_at = '${recently}' where state = 'PENDING'`);
      expect(findings(await check(work))).toMatchObject([{ kind: 'abandoned' }]);
      expect(findings(await check(work, { repair: true }))).toMatchObject([{ repair: { kind: 'repaired' } }]);
      expect(await keys(work)).toHaveLength(1);
      expect((await (await work.catalog()).maintenance.status()).objects).toMatchObject({ DELETING: 1, PENDING: 0 });
      expect(findings(await check(work))).toEqual([]);
    });

    test('takes a public asset off its public path at once, and brings it back at another', async () => {
      const work = await suite.create();
      const asset = await put(work, 'seen', { isPublic: true });
      const trash = { selection: { kind: 'ids', ids: [asset.id] }, dryRun: false, trash: true } as const;
      expect(await collect(deleteAssets(work.context(), trash))).toEqual([{ kind: 'trashed', id: asset.id, bytes: 0 }]);
      const [hidden] = await keys(work);
      expect(hidden).not.toMatch(/^public\//);
      expect(await collect(deleteAssets(work.context(), trash))).toMatchObject([
        { failure: { code: 'STATE_CHANGED' } },
      ]);
      expect(await collect(restoreAssets(work.context(), [asset.id]))).toMatchObject([{ asset: { status: 'active' } }]);
      const [shown] = await keys(work);
      expect(shown).toMatch(/^public\//);
      expect(shown).not.toBe(asset.storagePath);
      expect(findings(await check(work, { deep: true }))).toEqual([]);
    });

    test('empties the trash when its time is over, not before', async () => {
      const work = await suite.create();
      const asset = await put(work, 'waste');
      const configured = work.context({ lifecycle: { trashEnabled: true } });
      const selection = { kind: 'ids', ids: [asset.id] } as const;
      await collect(deleteAssets(configured, { selection, dryRun: false }));
      expect(ids(await purge(work), 'purged')).toEqual([]);
      await suite.query(work, `update assets set trash_ends_at = '${LONG_AGO}'`);
      expect(await collect(restoreAssets(work.context(), [asset.id]))).toMatchObject([
        { failure: { code: 'STATE_CHANGED' } },
      ]);
      expect(await purge(work)).toContainEqual(expect.objectContaining({ kind: 'purged', reason: 'trash', bytes: 5 }));
      expect(await keys(work)).toEqual([]);
    });

    test('lets an extension win', async () => {
      const work = await suite.create();
      const asset = await put(work, 'longer');
      await expire(work, asset);
      const [extended] = await collect(
        extendAssets(work.context(), [asset.id.slice(0, 8)], { kind: 'in', seconds: 60 }),
      );
      expect(extended).toMatchObject({ kind: 'changed', asset: { id: asset.id } });
      expect(ids(await purge(work), 'purged')).toEqual([]);
    });

    test('finds missing and corrupt bytes, and marks them until they are back', async () => {
      const work = await suite.create();
      const [lost, hurt] = [await put(work, 'lost'), await put(work, 'hurt')];
      await put(work, 'fine');
      const store = await work.context().backends.open(work.context().backends.defaultName);
      await store.deleteMany([parseStorageKey(lost.storagePath)]);
      await store.put(parseStorageKey(hurt.storagePath), memoryBody('HURT'), {});
      const found = findings(await check(work));
      expect(found.map(({ kind, assetIds }) => [kind, ...assetIds]).sort()).toEqual([
        ['corrupt', hurt.id],
        ['missing', lost.id],
      ]);
      expect((await events(work, 'verified')).map(({ assetId }) => assetId).sort()).toEqual([hurt.id, lost.id].sort());
      const repaired = findings(await check(work, { repair: true }));
      expect(repaired.map(({ repair }) => repair?.kind)).toEqual(['marked', 'marked']);
      const catalog = await work.catalog();
      expect((await catalog.maintenance.status()).assets).toMatchObject({ damaged: 2, active: 1 });
      const refused = { kind: 'failed', failure: { code: 'BYTES_DAMAGED' } };
      expect(await signed(work, [lost.id, hurt.id])).toMatchObject([refused, refused]);
      await store.put(parseStorageKey(lost.storagePath), memoryBody('lost'), {});
      await store.put(parseStorageKey(hurt.storagePath), memoryBody('hurt'), {});
      expect((await check(work, { repair: true })).filter(({ kind }) => kind === 'healed')).toHaveLength(2);
      expect((await catalog.maintenance.status()).assets).toMatchObject({ damaged: 0, active: 3 });
      expect(JSON.stringify(await signed(work, [lost.id, hurt.id]))).not.toContain('BYTES_DAMAGED');
    });

    test('takes a good copy from another backend', async () => {
      const work = await suite.create(['near', 'far']);
      const [asset, sibling] = [await put(work, 'precious'), await put(work, 'precious')];
      await put(work, 'precious', { backend: 'far' });
      const store = await work.context().backends.open('near');
      await store.put(parseStorageKey(asset.storagePath), memoryBody('PRECIOUS'), {});
      expect(findings(await check(work, { repair: true }))).toMatchObject([
        { kind: 'corrupt', assetIds: [asset.id, sibling.id].sort(), repair: { kind: 'repaired' } },
      ]);
      const catalog = await work.catalog();
      const found = await catalog.assets.byIds(work.context().identity, [asset.id, sibling.id]);
      expect(new Set(found.map(({ object }) => object.id)).size).toBe(1);
      expect(found[0]).toMatchObject({ asset: { backend: 'near', status: 'active' } });
      expect(findings(await check(work, { deep: true }))).toEqual([]);
      expect((await catalog.maintenance.status()).objects).toMatchObject({ STORED: 2, RETAINED: 1 });
    });

    test('two repairs at once: one does it, the other sees that it is done and marks nothing', async () => {
      const work = await suite.create(['near', 'far']);
      const asset = await put(work, 'precious');
      await put(work, 'precious', { backend: 'far' });
      const path = parseStorageKey(asset.storagePath);
      await (await work.context().backends.open('near')).put(path, memoryBody('PRECIOUS'), {});
      const copying = createGate();
      const seenBusy = createGate();
      const slow = putting(async () => {
        copying.open();
        await seenBusy.opened;
      });
      const first = check(work, { repair: true }, { wrapStore: slow });
      await copying.opened;
      const impatient = await check(work, { repair: true }, { leaseSeconds: 1 });
      expect(findings(impatient)).toMatchObject([{ repair: { kind: 'skipped' } }]);
      let looks = 0;
      const second = looking(path, async () => {
        looks += 1;
        if (looks < 2) return;
        seenBusy.open();
        await first;
      });
      expect(findings(await check(work, { repair: true }, { wrapStore: second }))).toMatchObject([
        { repair: { kind: 'repaired', how: expect.stringContaining('another') } },
      ]);
      expect(findings(await first)).toMatchObject([{ repair: { kind: 'repaired' } }]);
      expect(findings(await check(work, { deep: true }))).toEqual([]);
      expect(await events(work, 'damaged')).toEqual([]);
      expect((await (await work.catalog()).maintenance.status()).assets).toMatchObject({ damaged: 0, active: 2 });
    });

    test('goes on with a deep verification that was interrupted, and reports what that had found', async () => {
      const work = await suite.create();
      const [lost, healed] = [await put(work, 'lost'), await put(work, 'healed')];
      await put(work, 'whole');
      const store = await work.context().backends.open(work.context().backends.defaultName);
      await store.deleteMany([lost, healed].map(({ storagePath }) => parseStorageKey(storagePath)));
      const interrupting = new AbortController();
      const stopped: VerifyOutcome[] = [];
      const context = work.context({ signal: interrupting.signal });
      for await (const outcome of verify(context, { ...VERIFY, deep: true })) {
        stopped.push(outcome);
        if (outcome.kind === 'finding') interrupting.abort();
      }
      expect(findings(stopped)).toHaveLength(2);
      await store.put(parseStorageKey(healed.storagePath), memoryBody('healed'), {});
      expect(findings(await check(work, { deep: true, resume: true }))).toMatchObject([
        { kind: 'missing', assetIds: [lost.id] },
      ]);
      const { inventory } = await work.catalog();
      expect(await inventory.progress(store.name, 'acme')).toBeUndefined();
      expect(findings(await check(work, { deep: true, resume: true }))).toHaveLength(1);
    });

    test('keeps an orphan in lost+found for 30 days, and leaves what is not ours', async () => {
      const work = await suite.create();
      await put(work, 'known');
      const orphan = `acme/document_upload/2025/01/02/${randomUUID()}.txt`;
      const store = await work.context().backends.open(work.context().backends.defaultName);
      await store.put(parseStorageKey(orphan), memoryBody('nobody'), {});
      await store.put(parseStorageKey('acme/another/tool.txt'), memoryBody('theirs'), {});
      expect(findings(await check(work))).toEqual([]);
      const later: ContextChanges = { wrapStore: aged };
      expect(findings(await check(work, {}, later))).toMatchObject([
        { kind: 'orphaned', storagePath: orphan, bytes: 6 },
      ]);
      const admin: ContextChanges = { ...later, identity: { role: 'admin' } };
      expect(findings(await check(work, {}, admin))).toEqual([]);
      expect(findings(await check(work, { repair: true }, later))).toMatchObject([{ repair: { kind: 'repaired' } }]);
      expect((await keys(work)).sort()).toContain(`lost+found/${orphan}`);
      expect(findings(await check(work, {}, later))).toEqual([]);
      await suite.query(work, `update objects set retain_until = '${LONG_AGO}' where state = 'RETAINED'`);
      await purge(work);
      expect((await keys(work)).filter((key) => key.includes('tool') || key.includes('lost+found'))).toEqual([
        'acme/another/tool.txt',
      ]);
    });

    test('takes nothing for an orphan that a file system lists under a name in another case', async () => {
      const work = await suite.create();
      const assets = [await put(work, 'private'), await put(work, 'public', { isPublic: true })];
      const store = await work.context().backends.open(work.context().backends.defaultName);
      for (const { storagePath } of assets) {
        const listed = parseStorageKey(storagePath.replace('acme/', 'ACME/'));
        await store.put(listed, memoryBody('as such a file system shows it'), {});
      }
      const later: ContextChanges = { wrapStore: aged };
      expect(findings(await check(work, { allOrganizations: true, repair: true }, later))).toEqual([]);
      expect((await keys(work)).filter((key) => key.includes('lost+found'))).toEqual([]);
    });

    test('moves nothing that another has moved since it was looked at', async () => {
      const work = await suite.create();
      const asset = await put(work, 'for all', { isPublic: true });
      const catalog = await work.catalog();
      const [found] = await catalog.assets.byIds(work.context().identity, [asset.id]);
      if (found === undefined) throw new Error('not found');
      const repairing = () =>
        moveBytes(work.context(), {
          source: found.object,
          to: {
            backend: found.object.backend,
            storagePath: parseStorageKey(`public/acme/document_upload/2030/01/02/${randomUUID()}.txt`),
            isPublic: true,
          },
          carry: { kind: 'all' },
          sourceEnd: { kind: 'retain', seconds: 60 },
          audit: { action: 'repaired', details: {} },
        });
      expect(await repairing()).toMatchObject({ kind: 'moved' });
      expect(await repairing()).toEqual({ kind: 'skipped', reason: 'source-changed' });
      expect((await catalog.maintenance.status()).objects).toMatchObject({ STORED: 1, RETAINED: 1, PENDING: 0 });
      expect(await keys(work)).toHaveLength(2);
    });

    test('moves an object with all its assets, and leaves it where it is if the copy is not whole', async () => {
      const work = await suite.create(['near', 'far']);
      const [one, two] = [await put(work, 'travels'), await put(work, 'travels')];
      const catalog = await work.catalog();
      const [found] = await catalog.assets.byIds(work.context().identity, [one.id]);
      if (found === undefined) throw new Error('not found');
      const job = {
        source: found.object,
        to: { backend: 'far', storagePath: found.object.storagePath, isPublic: false },
        carry: { kind: 'all' },
        sourceEnd: { kind: 'delete' },
        audit: { action: 'migrated', details: {} },
      } as const;
      const store = await work.context().backends.open('near');
      await store.put(found.object.storagePath, memoryBody('TRAVELS'), {});
      await expect(moveBytes(work.context(), job)).rejects.toThrow();
      expect(await keys(work, 'far')).toEqual([]);
      await store.put(found.object.storagePath, memoryBody('travels'), {});
      const fresh = { ...job, to: { ...job.to, storagePath: parseStorageKey(`${one.storagePath}2`) } };
      expect(await moveBytes(work.context(), fresh)).toMatchObject({ kind: 'moved' });
      expect(await keys(work, 'near')).toEqual([]);
      const moved = await catalog.assets.byIds(work.context().identity, [one.id, two.id]);
      expect(moved.map(({ asset }) => asset.backend)).toEqual(['far', 'far']);
      expect(findings(await check(work, { deep: true }))).toEqual([]);
    });
  });
}

function ids(outcomes: readonly PurgeOutcome[], kind: 'purged' | 'would-purge'): string[] {
  return outcomes.flatMap((outcome) => (outcome.kind === kind ? outcome.id : []));
}

/** All expired at the same time: the oldest goes first. */
function byAge(assets: readonly Asset[]): (one: string, other: string) => number {
  const order = [...assets].sort((a, b) => (a.createdAt + a.id < b.createdAt + b.id ? -1 : 1)).map(({ id }) => id);
  return (one, other) => order.indexOf(one) - order.indexOf(other);
}

function findings(outcomes: readonly VerifyOutcome[]): Finding[] {
  const failed = outcomes.filter(({ kind }) => kind === 'failed');
  expect(failed).toEqual([]);
  return outcomes.flatMap((outcome) => (outcome.kind === 'finding' ? outcome.finding : []));
}

function down(store: StorageBackend): StorageBackend {
  const away = () => Promise.reject(new StorageError('UNAVAILABLE', 'no route to host', { backend: store.name }));
  return { ...store, get: away, put: away, stat: away, deleteMany: away };
}

function withoutDeletes(store: StorageBackend): StorageBackend {
  return {
    ...store,
    deleteMany: async (keys) =>
      keys.map((key) => ({ key, error: new StorageError('UNAVAILABLE', 'busy', { backend: store.name }) })),
  };
}

function crashAfterPut(store: StorageBackend): StorageBackend['put'] {
  return async (key, body, options) => {
    await store.put(key, body, options);
    throw new Error('killed');
  };
}

/** As the store will look in two days. */
function aged(store: StorageBackend): StorageBackend {
  const older = <T extends { lastModified: Date }>(object: T): T => ({
    ...object,
    lastModified: new Date(object.lastModified.getTime() - 48 * 3_600_000),
  });
  return {
    ...store,
    stat: async (key, options) => older(await store.stat(key, options)),
    async *list(prefix, options) {
      for await (const object of store.list(prefix, options)) yield older(object);
    },
    ...(store.listStretches && {
      async *listStretches(prefix, options) {
        const stretches = store.listStretches?.(prefix, options) ?? [];
        for await (const stretch of stretches) yield { ...stretch, objects: () => stretch.objects().map(older) };
      },
    }),
  };
}
