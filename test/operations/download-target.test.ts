import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { createLender } from '../../src/core/lent-memory.ts';
import { prepareTarget, writeToFile } from '../../src/operations/download/download-target.ts';
import { partialPath } from '../../src/operations/download/partial-files.ts';
import { sampleBytes } from '../support/bodies.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const CHUNK = 2 * 2 ** 20;

test('a file that is written gives all lent memory back, its short end too', async () => {
  const path = join(await temporaryDirectory(), 'out');
  const lend = createLender(CHUNK, 2);
  const bytes = sampleBytes(3 * CHUNK + 5);
  async function* body() {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const memory = lend()?.memory ?? Buffer.alloc(0);
      yield memory.subarray(0, bytes.copy(memory, 0, at));
    }
  }
  await writeToFile(
    { kind: 'file', path },
    { name: '', size: bytes.length, force: false },
    async (write, { lends }) => {
      expect(lends).toBe(true);
      await write(body());
    },
  );
  expect((await readFile(path)).equals(bytes)).toBe(true);
  expect([lend(), lend(), lend()].map((loan) => loan !== undefined)).toEqual([true, true, false]);
});

test.skipIf(process.platform === 'win32')('a pipe, whose stream may hold chunks back, is lent nothing', async () => {
  const path = join(await temporaryDirectory(), 'pipe');
  execFileSync('mkfifo', [path]);
  const bytes = sampleBytes(CHUNK);
  const read = readFile(path);
  await writeToFile(
    { kind: 'file', path },
    { name: '', size: CHUNK, force: true },
    async (write, { lends = false }) => {
      expect(lends).toBe(false);
      await write(Readable.from([bytes]));
    },
  );
  expect((await read).equals(bytes)).toBe(true);
});

const { linkSync } = fs;

afterEach(() => {
  fs.linkSync = linkSync;
  syncBuiltinESMExports();
});

test.each(['with', 'without'])(
  'a file that came while another of its name was read stays, %s hard links',
  async (kind) => {
    const folder = await temporaryDirectory();
    if (kind === 'without') {
      fs.linkSync = () => {
        throw Object.assign(new Error('no hard links'), { code: 'EPERM' });
      };
      syncBuiltinESMExports();
    }
    const write = (name: string, meanwhile?: string) =>
      writeToFile(
        { kind: 'directory', path: folder },
        { name, size: 4, force: false, isFree: true },
        async (writeContent) => {
          if (meanwhile !== undefined) await writeFile(join(folder, name), meanwhile);
          await writeContent(Buffer.from('ours'));
        },
      );
    await expect(write('taken', 'theirs')).rejects.toMatchObject({ code: 'TARGET_EXISTS' });
    await write('free');
    expect(await readFile(join(folder, 'taken'), 'utf8')).toBe('theirs');
    expect(await readFile(join(folder, 'free'), 'utf8')).toBe('ours');
    expect((await readdir(folder)).sort()).toEqual(['free', 'taken']);
  },
);

test('a target is told to be empty if nothing but parts of downloads is in it', async () => {
  const folder = join(await temporaryDirectory(), 'out');
  const target = { kind: 'directory' as const, path: folder };
  expect(prepareTarget(target)).toBe(true);
  await writeFile(partialPath(folder), 'of this process');
  expect(prepareTarget(target)).toBe(true);
  expect(prepareTarget({ kind: 'file', path: join(folder, 'missing', 'file') })).toBe(false);
  await mkdir(join(folder, 'theirs'));
  expect(prepareTarget(target)).toBe(false);
});
