import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StorageError } from '../../src/storage/storage-error.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { assetOf, uploadPaths, writeText } from '../support/uploads.ts';

await describeEachDatabase('upload', ({ createWorkspace }) => {
  test('stores the bytes under the key of the asset and records what they are', async () => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'notes.txt', 'hello\n');
    const [outcome] = await uploadPaths(work.context(), [path], { assetType: 'SEO_REPORT', tags: { team: 'seo' } });
    const asset = assetOf(outcome);
    expect(asset).toMatchObject({
      originalFilename: 'notes.txt',
      fileSize: 6,
      mimeType: 'text/plain',
      assetType: 'SEO_REPORT',
      organizationId: 'acme',
      userId: 'ada',
      backend: 'local',
      storageProvider: 'LOCAL',
      virusScanStatus: 'PENDING',
      status: 'active',
      tags: { team: 'seo' },
      cdnUrl: null,
    });
    expect(asset.fileHash).toBe(createHash('sha256').update('hello\n').digest('hex'));
    expect(asset.storagePath).toMatch(/^acme\/seo_report\/\d{4}\/\d\d\/\d\d\/[0-9a-f-]{36}\.txt$/);
    expect(await readFile(join(work.storage, asset.storagePath), 'utf8')).toBe('hello\n');
    expect(await work.storedFiles()).toEqual([asset.storagePath]);
  });

  test('refuses a tag that is longer than every index takes, and no other file with it', async () => {
    const work = await createWorkspace();
    const deep = join(work.directory, 'top', ...Array.from({ length: 9 }, (_, index) => `${index}`.repeat(240)));
    await mkdir(deep, { recursive: true });
    await writeText(deep, 'deep.txt', 'deep');
    await writeText(join(work.directory, 'top'), 'x.txt', 'plain');
    const outcomes = await uploadPaths(work.context(), [join(work.directory, 'top')]);
    expect(outcomes).toMatchObject([{ kind: 'failed', failure: { code: 'USAGE' } }, { kind: 'uploaded' }]);
  });

  test('keeps tags that no database can, as far as one can', async () => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'notes.txt', 'hello\n');
    const tags = { 'half \ud800': 'a', 'nul \0': 'b \udc00' };
    const stored = assetOf((await uploadPaths(work.context(), [path], { tags }))[0]).tags;
    expect(stored).toEqual({ 'half \ufffd': 'a', 'nul \ufffd': 'b \ufffd' });
    const filter = { tags: stored };
    const catalog = await work.context().catalog();
    expect((await catalog.assets.page({ organization: 'acme' }, { filter, limit: 9 })).assets).toHaveLength(1);
  });

  test('gives what it stores together names that begin alike, and ids that eight digits tell apart', async () => {
    const work = await createWorkspace();
    const texts = Array.from({ length: 8 }, (_, index) => `text ${index}`);
    const paths = await Promise.all(texts.map((text) => writeText(work.directory, `${text}.txt`, text)));
    const assets = (await uploadPaths(work.context(), paths)).map(assetOf);
    const beginnings = (length: number, names: readonly string[]) =>
      new Set(names.map((name) => name.slice(0, length)));
    const [ids, files] = [assets.map(({ id }) => id), assets.map(({ filename }) => filename)];
    expect([beginnings(8, files).size, beginnings(3, ids).size]).toEqual([1, 1]);
    expect(beginnings(8, ids).size).toBe(8);
  });

  test('stores equal content once for an organisation, and apart for another and for the public', async () => {
    const work = await createWorkspace();
    const one = await writeText(work.directory, 'one.txt', 'same');
    const two = await writeText(work.directory, 'two.txt', 'same');
    const first = await uploadPaths(work.context(), [one, two]);
    const second = await uploadPaths(work.context(), [two]);
    const other = await uploadPaths(work.context({ identity: { organization: 'globex' } }), [one]);
    const published = await uploadPaths(work.context(), [one, two], { isPublic: true });
    const paths = [...first, ...second].map((outcome) => assetOf(outcome).storagePath);
    expect(new Set(paths).size).toBe(1);
    expect(first.map((outcome) => outcome.kind === 'uploaded' && outcome.deduplicated)).toEqual([false, true]);
    expect(second).toMatchObject([{ deduplicated: true }]);
    expect(other).toMatchObject([{ deduplicated: false }]);
    expect(published.map((outcome) => assetOf(outcome).storagePath.split('/')[0])).toEqual(['public', 'public']);
    expect(await work.storedFiles()).toHaveLength(4);
  });

  test('replaces a stored copy that was damaged behind our back, for the earlier asset too', async () => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'one.txt', 'precious');
    const before = assetOf((await uploadPaths(work.context(), [path]))[0]);
    await writeFile(join(work.storage, before.storagePath), 'PRECIOUS');
    const after = assetOf((await uploadPaths(work.context(), [path]))[0]);
    expect(after.storagePath).not.toBe(before.storagePath);
    const catalog = await work.catalog();
    const [moved] = await catalog.assets.byIds(work.context().identity, [before.id]);
    expect(moved?.asset).toMatchObject({ storagePath: after.storagePath, status: 'active' });
    expect((await catalog.maintenance.status()).objects).toMatchObject({ STORED: 1, RETAINED: 1 });
  });

  test('replaces a stored copy that is missing', async () => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'one.txt', 'precious');
    const before = assetOf((await uploadPaths(work.context(), [path]))[0]);
    await rm(join(work.storage, before.storagePath));
    const after = assetOf((await uploadPaths(work.context(), [path]))[0]);
    expect(await work.storedFiles()).toEqual([after.storagePath]);
  });

  test('refuses one bad file of many, stores the others, and audits the refusal', async () => {
    const work = await createWorkspace();
    const good = await writeText(work.directory, 'good.txt', 'fine');
    const empty = await writeText(work.directory, 'empty.txt', '');
    const large = await writeText(work.directory, 'large.txt', 'x'.repeat(1001));
    const missing = join(work.directory, 'missing.txt');
    const context = work.context({ maxFileSize: 1000 });
    const outcomes = await uploadPaths(context, [empty, good, large, missing]);
    expect(outcomes).toMatchObject([
      { kind: 'failed', source: empty, failure: { code: 'FILE_EMPTY' } },
      { kind: 'uploaded', source: good },
      { kind: 'failed', source: large, failure: { code: 'FILE_TOO_LARGE' } },
      { kind: 'failed', source: missing, failure: { code: 'PATH_NOT_FOUND' } },
    ]);
    const { events } = await (await work.catalog()).audit.page({ organization: 'acme' }, {}, 10);
    const outcomesInTrail = events.map((event) => event.outcome).sort();
    expect(outcomesInTrail).toEqual(['refused', 'refused', 'refused', 'success']);
  });

  test('leaves nothing behind when the store fails half-way', async () => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'one.txt', 'content');
    const broken = work.context({
      wrapStore: (store) => ({
        ...store,
        async put(key, body, options) {
          await store.put(key, body, options);
          throw new StorageError('UNAVAILABLE', 'the answer was lost', { backend: 'local' });
        },
      }),
    });
    // The marker has to be there before the store starts to fail.
    await uploadPaths(work.context(), [await writeText(work.directory, 'first.txt', 'first')]);
    const outcomes = await uploadPaths(broken, [path]);
    expect(outcomes).toMatchObject([{ kind: 'failed', failure: { code: 'UNAVAILABLE' } }]);
    expect(await work.storedFiles()).toHaveLength(1);
    const status = await (await work.catalog()).maintenance.status();
    expect(status.objects).toEqual({ PENDING: 0, STORED: 1, RETAINED: 0, DELETING: 0 });
  });

  test('a group whose flush fails stores nothing', async () => {
    const work = await createWorkspace();
    await uploadPaths(work.context(), [await writeText(work.directory, 'first.txt', 'first')]);
    const paths = [
      await writeText(work.directory, 'a.txt', 'content a'),
      await writeText(work.directory, 'b.txt', 'content b'),
    ];
    const broken = work.context({
      wrapStore: (store) => ({
        ...store,
        async flush() {
          throw new StorageError('FULL', 'no space left', { backend: 'local' });
        },
      }),
    });
    const outcomes = await uploadPaths(broken, paths);
    expect(outcomes).toMatchObject([{ failure: { code: 'DISK_FULL' } }, { failure: { code: 'DISK_FULL' } }]);
    expect(await work.storedFiles()).toHaveLength(1);
  });

  test('--skip-existing gives the own asset again, within one run too', async () => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'one.txt', 'again');
    const first = await uploadPaths(work.context(), [path, path], { skipExisting: true });
    const second = await uploadPaths(work.context(), [path], { skipExisting: true });
    const otherUser = await uploadPaths(work.context({ identity: { user: 'grace' } }), [path], { skipExisting: true });
    expect(first.map((outcome) => outcome.kind)).toEqual(['uploaded', 'existing']);
    expect(second).toMatchObject([{ kind: 'existing', asset: { id: assetOf(first[0]).id } }]);
    expect(otherUser).toMatchObject([{ kind: 'uploaded', deduplicated: true }]);
  });

  test('refuses a store that another catalog owns', async () => {
    const work = await createWorkspace();
    const other = await createWorkspace();
    await uploadPaths(work.context(), [await writeText(work.directory, 'one.txt', 'one')]);
    const stranger = { ...other.context(), backends: work.context().backends };
    const path = await writeText(other.directory, 'two.txt', 'two');
    await expect(uploadPaths(stranger, [path])).rejects.toMatchObject({ code: 'STORE_NOT_OURS' });
    expect(await work.storedFiles()).toHaveLength(1);
  });

  test('refuses a known store whose marker is gone', async () => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'one.txt', 'one');
    await uploadPaths(work.context(), [path]);
    await rm(join(work.storage, '.asset-cli.json'));
    await expect(uploadPaths(work.context(), [path])).rejects.toMatchObject({ code: 'STORE_NOT_OURS' });
  });

  test('takes no new work once it is asked to stop', async () => {
    const work = await createWorkspace();
    const stop = new AbortController();
    stop.abort();
    const path = await writeText(work.directory, 'one.txt', 'one');
    expect(await uploadPaths(work.context({ signal: stop.signal }), [path])).toEqual([]);
  });
});
