import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import {
  access,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MARKER_KEY } from '../../src/core/marker-key.ts';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { translateLocalError } from '../../src/storage/local/errors.ts';
import { openLocalBackend } from '../../src/storage/local/local-backend.ts';
import { BELIEVED_FOR_MILLISECONDS } from '../../src/storage/local/root.ts';
import { findStoreAround, putMarker } from '../../src/storage/marker.ts';
import { collect, memoryBody, readAll, sampleBytes, streamBody } from '../support/bodies.ts';

const MARKER = { catalogId: 'c', backendId: 'b', format: 1 } as const;
const KEY = parseStorageKey('org/type/file.txt');

let outside: string;
let root: string;
let store: StorageBackend;

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'asset-cli-files-'));
  root = join(outside, 'store');
  await mkdir(root);
  store = openLocalBackend({ name: 'files', path: root });
});

afterEach(() => rm(outside, { recursive: true, force: true }));

describe('a missing directory', () => {
  it('is never made but by the marker: an unmounted disk is not filled', async () => {
    const path = join(root, 'not', 'mounted');
    const missing = openLocalBackend({ name: 'missing', path });
    const refusal = { kind: 'STORE_MISSING' };
    await expect(missing.put(KEY, memoryBody('x'))).rejects.toMatchObject(refusal);
    await expect(missing.get(KEY)).rejects.toMatchObject(refusal);
    await expect(missing.stat(KEY)).rejects.toMatchObject(refusal);
    await expect(missing.deleteMany([KEY])).rejects.toMatchObject(refusal);
    await expect(collect(missing.list(''))).rejects.toMatchObject(refusal);
    await expect(access(path)).rejects.toThrow();
    await putMarker(missing, MARKER);
    await missing.put(KEY, memoryBody('x'));
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  it('is noticed where an unmounted disk leaves an empty one while the store is in use, until it is back', async () => {
    await putMarker(store, MARKER);
    await store.put(KEY, memoryBody('x'));
    await rename(root, join(outside, 'away'));
    await mkdir(root);
    const refusal = { kind: 'STORE_MISSING', message: expect.stringContaining('its marker is gone') };
    await expect(store.get(KEY)).rejects.toMatchObject(refusal);
    await expect(store.stat(KEY)).rejects.toMatchObject(refusal);
    await expect(store.put(KEY, memoryBody('y'))).rejects.toMatchObject(refusal);
    await expect(store.put(parseStorageKey('other/file'), memoryBody('y'))).rejects.toMatchObject(refusal);
    await expect(store.deleteMany([KEY])).rejects.toMatchObject(refusal);
    await expect(collect(store.list(''))).rejects.toMatchObject(refusal);
    expect(await readdir(root)).toEqual([]);
    await rm(root, { recursive: true });
    await rename(join(outside, 'away'), root);
    expect(await readAll((await store.get(KEY)).body)).toEqual(Buffer.from('x'));
  });

  it('is noticed by what is under way when a disk goes: nothing is taken for put, flushed, removed or listed', async () => {
    const keys = Array.from({ length: 150 }, (_, index) => parseStorageKey(`org/${index}`));
    await putMarker(store, MARKER);
    for (const key of keys) await store.put(key, memoryBody('x'), { durability: 'group' });
    const listing = store.listStretches?.('')[Symbol.asyncIterator]();
    await listing?.next();
    const refusal = { kind: 'STORE_MISSING', message: expect.stringContaining('its marker is gone') };
    const deleting = expect(store.deleteMany(keys)).rejects.toMatchObject(refusal);
    renameSync(root, join(outside, 'away'));
    mkdirSync(root);
    await expect(store.put(parseStorageKey('other/file'), memoryBody('y'))).rejects.toMatchObject(refusal);
    await expect(store.flush?.(keys)).rejects.toMatchObject(refusal);
    await deleting;
    await expect(listing?.next()).rejects.toMatchObject(refusal);
    expect(await readdir(root, { recursive: true })).toEqual(['other']);
  });

  it('is not another for a marker that was copied back, or that the store itself was given', async () => {
    await putMarker(openLocalBackend({ name: 'other', path: root }), { ...MARKER, catalogId: 'another' });
    await collect(store.list(''));
    await sleep(BELIEVED_FOR_MILLISECONDS);
    await putMarker(store, MARKER, { replace: true });
    await expect(store.stat(KEY)).rejects.toMatchObject({ kind: 'NOT_FOUND' });
    await utimes(join(root, MARKER_KEY), 1, 1);
    await expect(store.stat(KEY)).rejects.toMatchObject({ kind: 'NOT_FOUND' });
    await sleep(BELIEVED_FOR_MILLISECONDS);
    await store.put(KEY, memoryBody('x'));
  });

  it('is the same when its own marker was removed through it', async () => {
    await putMarker(store, MARKER);
    await store.put(KEY, memoryBody('x'));
    expect(await store.deleteMany([KEY, parseStorageKey(MARKER_KEY)])).toEqual([]);
    await putMarker(store, MARKER);
    await store.put(KEY, memoryBody('x'));
  });

  it('is noticed where another store stands in its place', async () => {
    await putMarker(store, MARKER);
    await store.put(KEY, memoryBody('x'));
    await rename(root, join(outside, 'away'));
    await putMarker(openLocalBackend({ name: 'other', path: root }), { ...MARKER, catalogId: 'another' });
    const refusal = { kind: 'STORE_MISSING', message: expect.stringContaining('its marker is another') };
    await expect(store.put(KEY, memoryBody('y'))).rejects.toMatchObject(refusal);
    await expect(store.get(KEY)).rejects.toMatchObject(refusal);
    await putMarker(store, MARKER, { replace: true });
    await store.put(KEY, memoryBody('z'));
  });

  it('is noticed when it goes while the store is in use', async () => {
    await store.put(KEY, memoryBody('x'));
    await rm(root, { recursive: true });
    await expect(store.stat(KEY)).rejects.toMatchObject({ kind: 'STORE_MISSING' });
    await expect(store.put(KEY, memoryBody('x'))).rejects.toMatchObject({ kind: 'STORE_MISSING' });
  });
});

describe('a directory that cannot be made', () => {
  it.each([
    ['where a file stands', (folder: string) => join(folder, 'file'), /is not a directory|a file is in the way/],
    ['below a file', (folder: string) => join(folder, 'file', 'a', 'b'), /a file is in the way/],
    ['behind a link that leads nowhere', (folder: string) => join(folder, 'dangling'), /a file is in the way/],
    ['where the system takes none', () => '/proc/asset-cli/store', /does not exist/],
  ])('is told at once, %s', async (_, place, message) => {
    await writeFile(join(outside, 'file'), 'precious');
    await symlink('nowhere', join(outside, 'dangling'));
    const hopeless = openLocalBackend({ name: 'hopeless', path: place(outside) });
    await expect(putMarker(hopeless, MARKER)).rejects.toMatchObject({
      kind: 'STORE_MISSING',
      message: expect.stringMatching(message),
    });
    expect(await readFile(join(outside, 'file'), 'utf8')).toBe('precious');
  });
});

describe('an object that is read at once', () => {
  const bytes = Buffer.from('a report');
  const readNow = (key: string, size: number, memory = Buffer.alloc(16, 0xa5)) =>
    store.readNow?.(parseStorageKey(key), size, memory);

  beforeEach(() => store.put(KEY, memoryBody(bytes)));

  it('is at the beginning of the memory', async () => {
    const memory = Buffer.alloc(16, 0xa5);
    expect(readNow(KEY, bytes.length, memory)).toBe(true);
    expect(memory.equals(Buffer.concat([bytes, Buffer.alloc(16 - bytes.length, 0xa5)]))).toBe(true);
  });

  it('has the size that it should have, or is left to get()', async () => {
    expect([0, 1, bytes.length - 1, bytes.length + 1].map((size) => readNow(KEY, size))).not.toContain(true);
    expect(readNow(KEY, bytes.length, Buffer.alloc(bytes.length))).toBe(false);
  });

  it('is a file of the store, or is left to get()', async () => {
    await writeFile(join(outside, 'other'), bytes);
    await symlink(join(outside, 'other'), join(root, 'link'));
    await symlink(outside, join(root, 'linked'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    for (const key of ['missing', 'link', 'linked/other', 'pipe', 'org', `${KEY}/below`, '.asset-cli-tmp-1']) {
      expect([key, readNow(key, bytes.length)]).toEqual([key, false]);
      await expect(store.get(parseStorageKey(key))).rejects.toThrow();
    }
    await rename(root, `${root}-away`);
    expect(readNow(KEY, bytes.length)).toBe(false);
  });

  it.skipIf(process.platform !== 'linux')('leaves no file open', async () => {
    const openFiles = async () => (await readdir('/proc/self/fd')).length;
    const before = await openFiles();
    for (let count = 0; count < 20; count += 1) readNow(KEY, count);
    expect(await openFiles()).toBe(before);
  });
});

describe('symbolic links', () => {
  it('are not followed, whether directory or file', async () => {
    await writeFile(join(outside, 'secret.txt'), 'secret');
    await symlink(outside, join(root, 'linked'));
    await symlink(join(outside, 'secret.txt'), join(root, 'secret.txt'));
    for (const [text, kind] of [
      ['linked/secret.txt', 'DENIED'],
      ['secret.txt', 'INTEGRITY'],
    ]) {
      const key = parseStorageKey(String(text));
      await expect(store.get(key)).rejects.toMatchObject({ kind });
      await expect(store.stat(key)).rejects.toMatchObject({ kind });
    }
    await expect(store.put(parseStorageKey('linked/new'), memoryBody('x'))).rejects.toMatchObject({ kind: 'DENIED' });
    const [failure] = await store.deleteMany([parseStorageKey('linked/secret.txt')]);
    expect(failure?.error).toMatchObject({ kind: 'DENIED' });
    expect(await collect(store.list(''))).toEqual([]);
    await expect(collect(store.list('linked/'))).rejects.toMatchObject({ kind: 'DENIED' });
    expect(await readFile(join(outside, 'secret.txt'), 'utf8')).toBe('secret');
  });

  it('are replaced, not written through', async () => {
    await writeFile(join(outside, 'secret.txt'), 'secret');
    await symlink(join(outside, 'secret.txt'), join(root, 'link'));
    await store.put(parseStorageKey('link'), memoryBody('mine'));
    expect(await readFile(join(outside, 'secret.txt'), 'utf8')).toBe('secret');
    expect((await readAll((await store.get(parseStorageKey('link'))).body)).toString()).toBe('mine');
  });

  it('may lead to the root itself', async () => {
    await symlink(root, join(outside, 'alias'));
    const alias = openLocalBackend({ name: 'alias', path: join(outside, 'alias') });
    await alias.put(KEY, memoryBody('x'));
    expect(await collect(store.list(''))).toHaveLength(1);
  });
});

describe('files', () => {
  it('belong to their owner alone, whatever the umask', async () => {
    for (const mask of [0o000, 0o777]) {
      const before = process.umask(mask);
      try {
        await store.put(parseStorageKey(`umask/${mask}/file`), memoryBody('x'));
      } finally {
        process.umask(before);
      }
      expect((await stat(join(root, `umask/${mask}`))).mode & 0o777).toBe(0o700);
      expect((await stat(join(root, `umask/${mask}/file`))).mode & 0o777).toBe(0o600);
    }
  });

  it('leave no empty directory behind when they go, and never take the root', async () => {
    const other = parseStorageKey('org/other/file');
    await store.put(KEY, memoryBody('x'));
    await store.put(other, memoryBody('x'));
    await store.deleteMany([KEY]);
    expect(await readdir(join(root, 'org'))).toEqual(['other']);
    await store.deleteMany([other]);
    expect(await readdir(root)).toEqual([]);
  });

  it('can be put while others of the directory are deleted', async () => {
    const work = Array.from({ length: 300 }, async (_, index) => {
      const key = parseStorageKey(`busy/a/b/${index}`);
      await store.put(key, memoryBody('x'), { ifAbsent: true, durability: 'group' });
      expect(await store.deleteMany([key])).toEqual([]);
    });
    await Promise.all(work);
    expect(await readdir(root)).toEqual([]);
  });

  it('of a group stay open until just they are flushed, and no longer than they exist', async () => {
    const keys = ['one', 'two', 'three'].map((name) => parseStorageKey(`group/${name}`));
    for (const key of keys) await store.put(key, memoryBody('x'), { ifAbsent: true, durability: 'group' });
    const openFiles = async () => {
      const paths = await Promise.all(
        (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
      );
      return paths.filter((path) => path.startsWith(join(root, 'group'))).length;
    };
    if (process.platform === 'linux') expect(await openFiles()).toBe(3);
    await store.flush?.(keys.slice(0, 1));
    if (process.platform === 'linux') expect(await openFiles()).toBe(2);
    await store.deleteMany(keys.slice(1, 2));
    await store.flush?.(keys.slice(2));
    if (process.platform === 'linux') expect(await openFiles()).toBe(0);
  });

  it.skipIf(process.platform !== 'linux')('of a group are never durable after a sync that failed', async () => {
    const tools = join(outside, 'tools');
    await mkdir(tools);
    const fails = join(tools, 'fails');
    await writeFile(fails, '');
    await writeFile(join(tools, 'sync'), `#!/bin/sh\nif [ -e ${fails} ]; then rm ${fails}; exit 1; fi\n`, {
      mode: 0o755,
    });
    vi.stubEnv('PATH', `${tools}:${process.env['PATH']}`);
    const group = async (name: string) => {
      const keys = Array.from({ length: 101 }, (_, index) => parseStorageKey(`${name}/${index}`));
      for (const key of keys) await store.put(key, memoryBody('x'), { ifAbsent: true, durability: 'group' });
      return keys;
    };
    const groups = [await group('one'), await group('two')];
    const results = await Promise.allSettled(groups.map((keys) => store.flush?.(keys)));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(store.flush?.(await group('three'))).rejects.toThrow();
  });

  it('can be put after another process has removed the whole path to it', async () => {
    await store.put(parseStorageKey('deep/er/path/1'), memoryBody('x'));
    const other = openLocalBackend({ name: 'local', path: root });
    expect(await other.deleteMany([parseStorageKey('deep/er/path/1')])).toEqual([]);
    expect(await readdir(root)).toEqual([]);
    await store.put(parseStorageKey('deep/er/path/2'), memoryBody('x'));
    expect(await readdir(join(root, 'deep/er/path'))).toEqual(['2']);
  });

  it('cannot stand where a key needs a directory, nor the other way round', async () => {
    await store.put(KEY, memoryBody('x'));
    const conflict = { kind: 'CONFLICT', retryable: false };
    await expect(store.put(parseStorageKey(`${KEY}/below`), memoryBody('x'))).rejects.toMatchObject(conflict);
    await expect(store.put(parseStorageKey('org/type'), memoryBody('x'))).rejects.toMatchObject(conflict);
    expect(await readdir(join(root, 'org/type'))).toEqual(['file.txt']);
  });

  it('that were changed have another ETag', async () => {
    const { etag } = await store.put(KEY, memoryBody('same size'));
    await utimes(join(root, KEY), 1, 1);
    expect((await store.stat(KEY)).etag).not.toBe(etag);
  });
});

describe('thousands of files', () => {
  const names = Array.from({ length: 200 }, (_, index) => `${index}`.padStart(3, '0'));
  const paths = names.flatMap((folder) =>
    names.slice(0, 28).map((name) => parseStorageKey(`${folder}/${folder}/${name}`)),
  );

  beforeEach(() => {
    for (const path of paths) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), path);
    }
  });

  it('are listed in byte order, each as stat describes it, without what is not an object', async () => {
    await writeFile(join(root, '\u{1f300}'), 'last');
    await writeFile(join(root, '\uffee'), 'before it, in bytes');
    await writeFile(join(root, 'zz\nnewline'), 'no key');
    await writeFile(join(root, `${paths.at(-1)}`, '../.asset-cli-tmp-1'), 'half');
    const inner = join(root, `${paths.at(-1)}`, '../inner');
    await mkdir(inner);
    await writeFile(join(inner, '.asset-cli.json'), 'marker');
    await writeFile(join(inner, 'hidden'), 'of another store');
    const listed = await collect(store.list(''));
    const keys = listed.map(({ key }) => key);
    expect(keys).toEqual([...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    expect(keys.slice(-2)).toEqual(['\uffee', '\u{1f300}']);
    expect(keys).toHaveLength(paths.length + 3);
    for (const object of [listed[0], listed.at(-4), listed.at(-1)]) {
      expect(object).toEqual(await store.stat(parseStorageKey(object?.key ?? '')));
    }
    const later = await collect(store.list('', { startAfter: `${keys[99]}` }));
    expect(later.map(({ key }) => key)).toEqual(keys.slice(100));
  });

  it('are told of in stretches that together are the listing, up to what went meanwhile', async () => {
    await writeFile(join(root, '000/000/00\nnewline'), 'no key');
    await writeFile(join(root, '000/000/\u{1f300}'), 'beyond ASCII');
    const listed = await collect(store.list(''));
    const texts: string[] = [];
    const lasts: string[] = [];
    let told = 0;
    for await (const { text, count, last, objects } of store.listStretches?.('') ?? []) {
      const own = objects();
      expect(own).toEqual(listed.slice(told, told + own.length));
      expect(own).toHaveLength(count);
      expect(text).toBe(own.map(({ key, size, etag }) => `${key}\n${size} ${etag}\n`).join(''));
      told += count;
      texts.push(text);
      lasts.push(last);
      // The last stretches are not looked at yet: some of their files go.
      if (lasts.length === 1) for (const path of paths.slice(5200)) rmSync(join(root, path));
    }
    expect(told).toBe(5201);
    expect(lasts.at(-1) ?? '').toBe(paths[5199]);
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('may be left in the middle, and be aborted', async () => {
    let count = 0;
    for await (const _ of store.list('')) {
      count += 1;
      if (count > 5100) break;
    }
    const stop = new AbortController();
    const listing = async () => {
      for await (const _ of store.list('', { signal: stop.signal })) {
        count -= 1;
        if (count === 0) stop.abort();
      }
    };
    await expect(listing()).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('are not taken for all where the file system refuses to go on', async () => {
    makeDeep(20);
    await expect(collect(store.list(''))).rejects.toMatchObject({ kind: 'UNSUPPORTED' });
    execFileSync('rm', ['-r', root]);
  });

  it('before one that cannot be looked at are told of, and nothing is said of what is behind them', async () => {
    makeDeep(16);
    const lasts: string[] = [];
    let told = 0;
    const listing = async () => {
      for await (const { count, last } of store.listStretches?.('') ?? []) {
        told += count;
        lasts.push(last);
      }
    };
    await expect(listing()).rejects.toMatchObject({ kind: 'UNSUPPORTED' });
    expect([told, lasts.at(-1)]).toEqual([paths.length, paths.at(-1)]);
    execFileSync('rm', ['-r', root]);
  });

  /** Directories in each other, and in the last of them a file, all with long names that sort behind the others. */
  function makeDeep(levels: number): void {
    const program =
      'const [, root, levels] = process.argv; const name = "\u{1f300}".repeat(60); process.chdir(root); ' +
      'for (let level = 0; level < levels; level += 1) { fs.mkdirSync(name); process.chdir(name); } ' +
      'fs.writeFileSync(name, "");';
    execFileSync(process.execPath, ['-e', program, root, `${levels}`]);
  }
});

describe('what a crash left behind', () => {
  it('is not listed, cannot be a key, and is found and discarded once it is old', async () => {
    await store.put(KEY, memoryBody('x'));
    const leftover = join(root, 'org/type/.asset-cli-tmp-0001');
    await writeFile(leftover, 'half');
    await utimes(leftover, 1000, 1000);
    await writeFile(join(root, '.asset-cli-tmp-young'), 'half');
    expect((await collect(store.list(''))).map((object) => object.key)).toEqual([KEY]);
    const refused = store.put(parseStorageKey('.asset-cli-tmp-x'), memoryBody('x'));
    await expect(refused).rejects.toMatchObject({ kind: 'UNSUPPORTED' });
    const found = await collect(store.abandonedUploads?.(new Date(Date.now() - 60_000)));
    expect(found).toMatchObject([{ id: 'org/type/.asset-cli-tmp-0001', startedAt: new Date(1_000_000) }]);
    await found[0]?.discard();
    expect(await readdir(join(root, 'org/type'))).toEqual(['file.txt']);
  });
});

describe('a store inside another', () => {
  it('is seen from the inside, also through a link and before it exists', async () => {
    await putMarker(store, MARKER);
    const inner = join(root, 'deep', 'inner');
    const expected = join(root, '.asset-cli.json');
    expect(await findStoreAround(openLocalBackend({ name: 'inner', path: inner }))).toBe(expected);
    await mkdir(inner, { recursive: true });
    await symlink(inner, join(outside, 'link'));
    expect(await findStoreAround(openLocalBackend({ name: 'inner', path: join(outside, 'link') }))).toBe(expected);
    expect(await findStoreAround(store)).toBeUndefined();
  });
});

describe('a file system that refuses', () => {
  const isRoot = process.getuid?.() === 0;

  it('is named', () => {
    const error = Object.assign(new Error('no'), { code: 'EACCES', syscall: 'mkdir', path: '/srv/files' });
    expect(translateLocalError(error, { root: { backend: 'files', absence: () => undefined } })).toMatchObject({
      kind: 'DENIED',
      message: 'the file system refuses access to /srv/files (EACCES)',
    });
  });

  it.skipIf(isRoot)('is DENIED, not missing', async () => {
    await store.put(KEY, memoryBody('x'));
    await chmod(join(root, 'org/type'), 0o000);
    await expect(store.get(KEY)).rejects.toMatchObject({ kind: 'DENIED' });
    await chmod(join(root, 'org/type'), 0o700);
  });

  const mounted = mountTmpfs();
  it.skipIf(mounted === undefined)('is FULL or READ_ONLY, and keeps nothing half-written', async () => {
    const path = mounted ?? '';
    try {
      const full = openLocalBackend({ name: 'full', path });
      await full.put(KEY, memoryBody('fits'));
      const bytes = sampleBytes(2 * 1024 * 1024);
      for (const body of [memoryBody(bytes), streamBody(bytes), memoryBody(bytes.subarray(0, 1_000_000))]) {
        await expect(full.put(parseStorageKey('org/big'), body)).rejects.toMatchObject({ kind: 'FULL' });
      }
      expect((await collect(full.list(''))).map((object) => object.key)).toEqual([KEY]);
      expect(await readdir(join(path, 'org'))).toEqual(['type']);
      execFileSync('mount', ['-o', 'remount,ro', path]);
      await expect(full.put(parseStorageKey('org/x'), memoryBody('x'))).rejects.toMatchObject({ kind: 'READ_ONLY' });
      const [failure] = await full.deleteMany([KEY]);
      expect(failure?.error).toMatchObject({ kind: 'READ_ONLY' });
    } finally {
      execFileSync('umount', [path]);
    }
  });
});

/** 512 KiB of memory as a disk; undefined, and said so, where mounting is not allowed. */
function mountTmpfs(): string | undefined {
  const path = execFileSync('mktemp', ['-d', join(tmpdir(), 'asset-cli-tmpfs-XXXXXX')], { encoding: 'utf8' }).trim();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', path], { stdio: 'pipe' });
    return path;
  } catch (error) {
    process.stderr.write(
      `SKIPPED: full disk (a tmpfs cannot be mounted: ${String(error).split('\n')[0]}; needs root)\n`,
    );
    return undefined;
  }
}
