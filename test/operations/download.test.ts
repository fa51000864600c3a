import { spawnSync } from 'node:child_process';
import { lstat, mkdir, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { OperationContext } from '../../src/operations/context.ts';
import { type DownloadOutcome, type DownloadTarget, download } from '../../src/operations/download/download.ts';
import { writeToFile } from '../../src/operations/download/download-target.ts';
import { partialPath } from '../../src/operations/download/partial-files.ts';
import { treatInfected } from '../../src/operations/scan/infected-content.ts';
import type { OpenedObject, StorageBackend } from '../../src/storage/backend.ts';
import { openedInMemory } from '../../src/storage/opened-in-memory.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { temporaryDirectory, type Workspace } from '../support/workspace.ts';

function fetchIds(
  context: OperationContext,
  ids: string[],
  target: DownloadTarget,
  force = false,
): Promise<DownloadOutcome[]> {
  return collect(download(context, { selection: { kind: 'ids', ids }, target, force, concurrency: 4 }));
}

async function uploadOne(work: Workspace, name: string, content: string) {
  const path = await writeText(work.directory, name, content);
  return assetOf((await uploadPaths(work.context(), [path]))[0]);
}

function memory(): { stream: Writable; content(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, content: () => Buffer.concat(chunks).toString() };
}

/** As a store does that is far away: others are read meanwhile. */
async function fillingMemory(opened: OpenedObject, memory: Buffer | undefined, used: Buffer[]): Promise<OpenedObject> {
  if (memory === undefined || opened.object.key === '.asset-cli.json') return opened;
  used.push(memory);
  const bytes = Buffer.concat(opened.held ?? []);
  const filled = memory.subarray(0, bytes.copy(memory));
  await setImmediate();
  return openedInMemory(() => opened.object, [filled]);
}

test('shows nobody else a private file while it is replaced', async () => {
  const folder = await temporaryDirectory();
  const path = join(folder, 'secret');
  await writeFile(path, 'before', { mode: 0o600 });
  const modes: number[] = [];
  const body = async function* () {
    yield Buffer.alloc(2 ** 20);
    for (const name of await readdir(folder)) modes.push((await stat(join(folder, name))).mode & 0o777);
    yield Buffer.from('the end');
  };
  const file = { name: 'secret', size: Number.POSITIVE_INFINITY, force: true };
  await writeToFile({ kind: 'file', path }, file, (write) => write(body()));
  expect(modes).toEqual([0o600, 0o600]);
});

await describeEachDatabase('download', ({ createWorkspace }) => {
  test('replaces what a link names and keeps its permissions', async () => {
    const work = await createWorkspace();
    const asset = await uploadOne(work, 'one.txt', 'content');
    const [secret, link] = [join(work.directory, 'secret'), join(work.directory, 'link')];
    await writeFile(secret, 'before', { mode: 0o600 });
    await symlink(secret, link);
    await fetchIds(work.context(), [asset.id], { kind: 'file', path: link }, true);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await readFile(secret, 'utf8')).toBe('content');
    expect((await stat(secret)).mode & 0o777).toBe(0o600);
  });

  test('reads small contents into memory that it uses again, one at a time', async () => {
    const work = await createWorkspace();
    const names = Array.from({ length: 12 }, (_, index) => `file-${index}.txt`);
    const paths = await Promise.all(names.map((name) => writeText(work.directory, name, `content of ${name}`)));
    const ids = (await uploadPaths(work.context(), paths, { compress: false })).map((outcome) => assetOf(outcome).id);
    const context = work.context();
    const used: Buffer[] = [];
    const open = async (name: string): Promise<StorageBackend> => {
      const store = await context.backends.open(name);
      return {
        ...store,
        get: async (key, options) => fillingMemory(await store.get(key, options), options?.into, used),
      };
    };
    const filling = { ...context, backends: { ...context.backends, open } };
    await fetchIds(filling, ids, { kind: 'directory', path: join(work.directory, 'out') });
    for (const name of names) {
      expect(await readFile(join(work.directory, 'out', name), 'utf8')).toBe(`content of ${name}`);
    }
    expect(used).toHaveLength(12);
    expect(new Set(used).size).toBeLessThanOrEqual(4);
    // A stream of someone else may keep what it is given.
    await fetchIds(filling, ids.slice(0, 1), { kind: 'stream', stream: memory().stream });
    expect(used).toHaveLength(12);
  });

  test.each(['filter', 'ids'] as const)('tells of all that it wrote when it is stopped (by %s)', async (kind) => {
    const work = await createWorkspace();
    const names = Array.from({ length: 30 }, (_, index) => `file-${index}.txt`);
    const paths = await Promise.all(names.map((name) => writeText(work.directory, name, name)));
    const ids = (await uploadPaths(work.context(), paths)).map((outcome) => assetOf(outcome).id);
    const stopping = new AbortController();
    const context = work.context({ signal: stopping.signal });
    const path = join(work.directory, 'out');
    const selection =
      kind === 'ids' ? { kind, ids } : { kind, scope: { organization: context.identity.organization }, filter: {} };
    const told: string[] = [];
    const target = { kind: 'directory' as const, path };
    for await (const outcome of download(context, { selection, target, force: false, concurrency: 4 })) {
      stopping.abort();
      told.push(outcome.kind === 'downloaded' ? basename(outcome.path) : outcome.failure.code);
    }
    expect(told.sort()).toEqual((await readdir(path)).sort());
  });

  test.each(['filter', 'ids'] as const)(
    'records all that it wrote when nobody wants the rest (by %s)',
    async (kind) => {
      const work = await createWorkspace();
      const names = Array.from({ length: 30 }, (_, index) => `file-${index}.txt`);
      const paths = await Promise.all(names.map((name) => writeText(work.directory, name, name)));
      const ids = (await uploadPaths(work.context(), paths)).map((outcome) => assetOf(outcome).id);
      const context = work.context();
      const path = join(work.directory, 'out');
      const scope = { organization: context.identity.organization };
      const selection = kind === 'ids' ? { kind, ids } : { kind, scope, filter: {} };
      const target = { kind: 'directory', path } as const;
      for await (const _ of download(context, { selection, target, force: false, concurrency: 4 })) break;
      const written = (await readdir(path)).length;
      expect(written).toBeLessThan(30);
      const catalog = await context.catalog();
      expect((await catalog.audit.page(scope, { action: 'downloaded' }, 50)).events).toHaveLength(written);
    },
  );

  test('hands out nothing that was found infected, and moved to quarantine, since its page was read', async () => {
    const work = await createWorkspace();
    const asset = await uploadOne(work, 'one.txt', 'a virus');
    const catalog = await work.catalog();
    const content = { organizationId: 'acme', sha256: asset.fileHash };
    const pageWithObjects: typeof catalog.assets.pageWithObjects = async (...question) => {
      const page = await catalog.assets.pageWithObjects(...question);
      const context = work.context();
      const verdict = { status: 'INFECTED' as const, result: 'Eicar', signatureVersion: null };
      const finding = { ...content, verdict, onInfected: 'quarantine' as const };
      await catalog.verdicts.record(context.identity, [finding], context.audit);
      await treatInfected(context, { ...content, wanted: 'quarantine', signature: 'Eicar' });
      return page;
    };
    const out = memory();
    const outcomes = await collect(
      download(
        { ...work.context(), catalog: async () => ({ ...catalog, assets: { ...catalog.assets, pageWithObjects } }) },
        {
          selection: { kind: 'filter', scope: { organization: 'acme' }, filter: {} },
          target: { kind: 'stream', stream: out.stream },
          force: false,
          concurrency: 1,
        },
      ),
    );
    expect(outcomes).toMatchObject([{ kind: 'failed', failure: { code: 'VIRUS_FOUND' } }]);
    expect(out.content()).toBe('');
  });

  test('removes what killed downloads left, and nothing that is being written', async () => {
    const work = await createWorkspace();
    const asset = await uploadOne(work, 'one.txt', 'content');
    const path = join(work.directory, 'out');
    await mkdir(path);
    const ended = spawnSync(process.execPath, ['-e', '']).pid;
    const mine = partialPath(path);
    const killed = mine.replace(`-${process.pid}-`, `-${ended}-`);
    const idle = mine.replace(/cli-[0-9a-f]{8}/, 'cli-00000000');
    const elsewhere = idle.replace(/cli-0{8}/, 'cli-00000001');
    for (const part of [mine, killed, idle, elsewhere]) await writeFile(part, '');
    await utimes(idle, 0, 0);
    await fetchIds(work.context(), [asset.id], { kind: 'directory', path });
    expect((await readdir(path)).sort()).toEqual([basename(elsewhere), basename(mine), 'one.txt'].sort());
  });

  test('writes the file and counts the download', async () => {
    const work = await createWorkspace();
    const asset = await uploadOne(work, 'one.txt', 'content');
    const path = join(work.directory, 'copy.txt');
    expect(await fetchIds(work.context(), [asset.id.slice(0, 8)], { kind: 'file', path })).toEqual([
      { kind: 'downloaded', id: asset.id, path, bytes: 7 },
    ]);
    expect(await readFile(path, 'utf8')).toBe('content');
    const [row] = await (await work.catalog()).assets.byIds(work.context().identity, [asset.id]);
    expect(row?.asset.downloadCount).toBe(1);
    expect(row?.asset.lastAccessedAt).not.toBeNull();
  });

  test.each([
    ['changed', (path: string) => writeFile(path, 'CONTENT'), 'BYTES_DAMAGED'],
    ['truncated', (path: string) => truncate(path, 3), 'BYTES_DAMAGED'],
    ['longer', (path: string) => writeFile(path, 'content and more'), 'BYTES_DAMAGED'],
    ['missing', (path: string) => rm(path), 'BYTES_MISSING'],
  ])('reports bytes that are %s and leaves no file', async (_name, damage, code) => {
    const work = await createWorkspace();
    const asset = await uploadOne(work, 'one.txt', 'content');
    await damage(join(work.storage, asset.storagePath));
    const target = join(work.directory, 'out');
    await mkdir(target);
    const toFile = await fetchIds(work.context(), [asset.id], { kind: 'directory', path: target });
    expect(toFile).toMatchObject([{ kind: 'failed', failure: { code } }]);
    expect(await readdir(target)).toEqual([]);
    const toStream = await fetchIds(work.context(), [asset.id], { kind: 'stream', stream: memory().stream });
    expect(toStream).toMatchObject([{ kind: 'failed', failure: { code } }]);
    const { events } = await (await work.catalog()).audit.page({ organization: 'acme' }, { action: 'downloaded' }, 10);
    expect(events.map((event) => event.outcome)).toEqual(['failed', 'failed']);
  });

  test('does not replace a file without force, and leaves no partial file', async () => {
    const work = await createWorkspace();
    const asset = await uploadOne(work, 'one.txt', 'content');
    const directory = join(work.directory, 'out');
    await mkdir(directory);
    const path = await writeText(directory, 'mine.txt', 'mine');
    const refused = await fetchIds(work.context(), [asset.id], { kind: 'file', path });
    expect(refused).toMatchObject([{ failure: { code: 'TARGET_EXISTS' } }]);
    expect(await readFile(path, 'utf8')).toBe('mine');
    await fetchIds(work.context(), [asset.id], { kind: 'file', path }, true);
    expect(await readFile(path, 'utf8')).toBe('content');
    expect(await readdir(directory)).toEqual(['mine.txt']);
  });

  test('equal names do not overwrite each other', async () => {
    const work = await createWorkspace();
    const one = await uploadOne(work, 'report.txt', 'one');
    const two = await uploadOne(work, 'REPORT.txt', 'two');
    const three = await uploadOne(work, 'report.txt', 'three');
    const path = join(work.directory, 'out');
    await fetchIds(work.context(), [one.id, two.id, three.id], { kind: 'directory', path });
    const names = [`REPORT (${two.id.slice(0, 8)}).txt`, `report (${three.id.slice(0, 8)}).txt`, 'report.txt'];
    expect((await readdir(path)).sort()).toEqual(names.sort());
  });

  test('streams to standard output', async () => {
    const work = await createWorkspace();
    const asset = await uploadOne(work, 'one.txt', 'content');
    const out = memory();
    await fetchIds(work.context(), [asset.id], { kind: 'stream', stream: out.stream });
    expect(out.content()).toBe('content');
  });

  test('another organisation’s private asset does not exist, its public one may be read', async () => {
    const work = await createWorkspace();
    const secret = await uploadOne(work, 'one.txt', 'secret');
    const path = await writeText(work.directory, 'logo.txt', 'public');
    const open = assetOf((await uploadPaths(work.context(), [path], { isPublic: true }))[0]);
    const stranger = work.context({ identity: { organization: 'globex', role: 'admin' } });
    const out = memory();
    const outcomes = await fetchIds(stranger, [secret.id, open.id], { kind: 'stream', stream: out.stream });
    expect(outcomes).toMatchObject([{ failure: { code: 'ASSET_NOT_FOUND' } }, { kind: 'downloaded' }]);
    expect(out.content()).toBe('public');
  });
});
