import { spawnSync } from 'node:child_process';
import { existsSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cleanEnvironment, finished, PROGRAM, runProgram, startProgram } from '../support/program.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const FULL = '/dev/full';

test.skipIf(!existsSync(FULL)).each([
  ['a download to standard output', (id: string) => ['download', id, '-o', '-']],
  ['a download to a device', (id: string) => ['download', id, '-o', FULL]],
  ['a backup', () => ['db', 'backup', '-']],
  ['a list', () => ['list', '--json']],
  ['the help', () => ['--help']],
])('%s that cannot be written ends with 8, never with success', async (_what, words) => {
  const home = join(await temporaryDirectory(), 'home');
  const uploaded = await runProgram(home, ['upload', '-', '--json'], { input: 'content' });
  const { id } = JSON.parse(uploaded.stdout).assets[0];
  const stdout = openSync(FULL, 'w');
  const { status } = spawnSync(process.execPath, [PROGRAM, ...words(id)], {
    env: cleanEnvironment(home),
    stdio: ['ignore', stdout, 'pipe'],
  });
  expect(status).toBe(8);
});

test("a backup whose reader is gone ends quietly, and one to nowhere says so without another command's option", async () => {
  const home = join(await temporaryDirectory(), 'home');
  expect(await runProgram(home, ['upload', '-'], { input: 'content' })).toMatchObject({ code: 0 });
  const backup = startProgram(home, ['db', 'backup', '-']);
  backup.stdout?.destroy();
  expect(await finished(backup)).toMatchObject({ code: 0, stderr: '' });
  const nowhere = await runProgram(home, ['db', 'backup', join(home, 'none', 'b.jsonl')]);
  expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('does not exist') });
  expect(nowhere.stderr).not.toMatch(/ -o\b/);
});

test('a restored catalog fills no directory: its stores have to be adopted, even where nothing is', async () => {
  const home = join(await temporaryDirectory(), 'home');
  const uploaded = await runProgram(home, ['upload', '-', '--json'], { input: 'content' });
  const { id } = JSON.parse(uploaded.stdout).assets[0];
  expect(await runProgram(home, ['db', 'backup', 'catalog.jsonl'])).toMatchObject({ code: 0 });
  // As private as the database that it shows.
  expect(statSync(join(home, 'catalog.jsonl')).mode & 0o777).toBe(0o600);
  const env = { ASSET_CLI_HOME: join(home, 'elsewhere') };
  expect(await runProgram(home, ['db', 'restore', 'catalog.jsonl', '--yes'], { env })).toMatchObject({ code: 0 });
  expect(await runProgram(home, ['download', id, '-o', '-'], { env })).toMatchObject({ code: 3 });
  writeFileSync(join(home, 'more.txt'), 'content');
  expect(await runProgram(home, ['upload', 'more.txt'], { env })).toMatchObject({ code: 3 });
  expect(existsSync(join(home, 'elsewhere', 'storage'))).toBe(false);
  const adopted = await runProgram(home, ['doctor', '--adopt', 'local', '--yes', '--json'], { env });
  expect(adopted).toMatchObject({ code: 0 });
  expect(JSON.parse(adopted.stdout).checks[1]).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('of 1 objects that the catalog has in it, 0 are there'),
  });
});

test('a backup of a database that does not exist is refused', async () => {
  const home = join(await temporaryDirectory(), 'home');
  const result = await runProgram(home, ['db', 'backup', 'catalog.jsonl']);
  expect(result.code, result.stderr).toBe(3);
  expect(existsSync(join(home, 'catalog.jsonl'))).toBe(false);
});

test.each([
  ['for another Node', 'ERR_DLOPEN_FAILED', 'npm rebuild better-sqlite3'],
  ['that was not installed', 'MODULE_NOT_FOUND', 'optional packages'],
])('a driver %s is told as such, not as a bug', async (_, code, hint) => {
  const home = join(await temporaryDirectory(), 'home');
  await runProgram(home, ['upload', '-'], { input: 'content' });
  const shim = join(home, 'no-driver.cjs');
  writeFileSync(shim, `process.dlopen = () => { throw Object.assign(new Error('no driver'), { code: '${code}' }); };`);
  const result = await runProgram(home, ['list', '--json'], { env: { NODE_OPTIONS: `--require=${shim}` } });
  expect(result.code).toBe(3);
  expect(JSON.parse(result.stderr).error.hint).toContain(hint);
});
