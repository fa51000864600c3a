import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { judge } from '../support/judge.ts';
import { runKilledAt } from '../support/killed.ts';
import { runProgram } from '../support/program.ts';
import { requireTool } from '../support/tools.ts';
import { temporaryDirectory } from '../support/workspace.ts';

/** What writes rows, and what puts and removes bytes. */
const CALLS = ['pwrite64', 'write', 'fdatasync', 'fsync', 'link', 'linkat', 'rename', 'unlink', 'unlinkat'];
const STRIDE = Number(process.env['ASSET_CLI_TEST_KILL_STRIDE'] ?? '1');
const strace = requireTool('strace', ['-V'], 'apt-get install strace');

test.skipIf(strace.missing).each([
  { command: 'publish', prepare: [] },
  { command: 'unpublish', prepare: ['--public'] },
])('$command, killed at every call that changes the disk, is finished by the next', async ({ command, prepare }) => {
  const home = await preparedHome(prepare);
  const [moving] = await assetsIn(home);
  if (moving === undefined) throw new Error('nothing was uploaded');
  let died = 0;
  const met = new Set<boolean>();
  for (const call of CALLS) {
    for (let nth = 1; ; nth += STRIDE) {
      const copy = join(home, '..', `${command}-${call}-${nth}`);
      cpSync(home, copy, { recursive: true, preserveTimestamps: true });
      const result = await runKilledAt(copy, [command, moving.id, '-q'], call, nth);
      if (result.signal !== 'SIGKILL') {
        expect(result, result.stderr).toMatchObject({ code: 0 });
        break;
      }
      died += 1;
      const told = `killed at ${call} ${nth}`;
      expect(await judge(database(copy), storage(copy)), told).toMatchObject({ faults: [], assets: 3 });
      const [left] = await assetsIn(copy);
      met.add(left?.isPublic === (command === 'publish'));
      // The lease of the dead run is still waited for.
      const again = await runProgram(copy, [command, moving.id, '--json']);
      expect(again, `${told}: ${again.stderr}`).toMatchObject({ code: 0 });
      expect(JSON.parse(again.stdout)).toMatchObject({ id: moving.id, isPublic: command === 'publish' });
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const purged = await runProgram(copy, ['purge-expired', '--yes']);
      expect(purged, purged.stderr).toMatchObject({ code: 0 });
      expect(await judge(database(copy), storage(copy)), told).toMatchObject({ faults: [], assets: 3 });
      const verified = await runProgram(copy, ['verify', '--deep', '--json']);
      expect(JSON.parse(verified.stdout).summary).toMatchObject({ missing: 0, corrupt: 0, orphaned: 0, abandoned: 0 });
      rmSync(copy, { recursive: true });
    }
  }
  expect(died).toBeGreaterThan(10);
  // Some died before the assets changed, some after it.
  expect([...met].sort()).toEqual([false, true]);
});

/** One asset to move, named first, another with the same content, and one beside them. */
async function preparedHome(options: readonly string[]): Promise<string> {
  const home = join(await temporaryDirectory(), 'home');
  mkdirSync(join(home, 'config', 'asset-cli'), { recursive: true });
  writeFileSync(join(home, 'config', 'asset-cli', 'config.yaml'), 'leases: { duration: 1s }\n');
  for (const [name, content, more] of [
    ['other.txt', 'other', []],
    ['twin.txt', 'the same', options.length === 0 ? [] : ['--public']],
    ['moving.txt', 'the same', options],
  ] as const) {
    writeFileSync(join(home, name), content);
    const { code, stderr } = await runProgram(home, ['upload', name, ...more]);
    expect(code, stderr).toBe(0);
  }
  return home;
}

/** Newest first. */
async function assetsIn(home: string): Promise<Asset[]> {
  const { stdout, stderr } = await runProgram(home, ['list', '--all', '--json']);
  expect(stderr).toBe('');
  return JSON.parse(stdout).assets;
}

function database(home: string): string {
  return join(home, 'data', 'asset-cli', 'assets.db');
}

function storage(home: string): string {
  return join(home, 'data', 'asset-cli', 'storage');
}
