import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLender } from '../../src/core/lent-memory.ts';
import { writeToFile } from '../../src/operations/download/download-target.ts';
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
