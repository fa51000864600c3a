import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judge } from '../support/judge.ts';
import { runProgram } from '../support/program.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const UPLOADS = 8;
const FILES = 40;

test('eight uploads and a list share one SQLite database that none of them found', async () => {
  const home = join(await temporaryDirectory(), 'home');
  mkdirSync(join(home, 'in'), { recursive: true });
  for (let index = 0; index < FILES; index += 1) {
    writeFileSync(join(home, 'in', `file-${index}.txt`), `content ${index}`);
  }
  const uploads = Array.from({ length: UPLOADS }, () => runProgram(home, ['upload', 'in', '--json', '--no-progress']));
  const lists = Array.from({ length: 3 }, () => runProgram(home, ['list', '--json']));
  const uploaded = await Promise.all(uploads);
  for (const result of [...uploaded, ...(await Promise.all(lists))]) {
    expect(result, result.stderr).toMatchObject({ code: 0, stderr: '' });
  }
  const deduplicated = uploaded.map((result) => JSON.parse(result.stdout).summary.deduplicated);
  expect(deduplicated.reduce((sum, count) => sum + count, 0)).toBe((UPLOADS - 1) * FILES);
  const data = join(home, 'data', 'asset-cli');
  const found = await judge(join(data, 'assets.db'), join(data, 'storage'));
  expect(found).toEqual({ faults: [], assets: UPLOADS * FILES, leftovers: 0 });
});

test('uploads and deletes of the same content race, and every visible asset stays whole', async () => {
  const home = join(await temporaryDirectory(), 'home');
  mkdirSync(join(home, 'in'), { recursive: true });
  for (let index = 0; index < 10; index += 1) writeFileSync(join(home, 'in', `${index}.txt`), `content ${index}`);
  await runProgram(home, ['upload', 'in']);
  for (let round = 0; round < 3; round += 1) {
    const results = await Promise.all([
      runProgram(home, ['upload', 'in']),
      runProgram(home, ['delete', '--name', '[0-4].txt', '--yes']),
      runProgram(home, ['upload', 'in']),
      runProgram(home, ['delete', '--name', '[5-9].txt', '--yes']),
    ]);
    for (const result of results) expect(result, result.stderr).toMatchObject({ code: 0 });
    const data = join(home, 'data', 'asset-cli');
    expect(await judge(join(data, 'assets.db'), join(data, 'storage'))).toMatchObject({ faults: [], leftovers: 0 });
  }
});
