import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { judge } from '../support/judge.ts';
import { runKilledAt } from '../support/killed.ts';
import { runProgram } from '../support/program.ts';
import { requireTool } from '../support/tools.ts';
import { temporaryDirectory } from '../support/workspace.ts';

/** Everything by which bytes or rows reach the disk or leave it: each call is a point to die at. */
const CALLS = [
  ...['mkdir', 'pwrite64', 'write', 'writev', 'ftruncate', 'fsync', 'fdatasync'],
  ...['link', 'linkat', 'rename', 'renameat2', 'unlink', 'unlinkat', 'rmdir'],
];
const strace = requireTool('strace', ['-V'], 'apt-get install strace');

/** Only one call in so many is a point to die at, of each kind: 1 is all of them. */
const STRIDE = Number(process.env.ASSET_CLI_TEST_KILL_STRIDE ?? '1');

describe.skipIf(strace.missing)('SIGKILL at every call that changes the disk', () => {
  test('of an upload: every visible asset is whole, every leftover is known', async () => {
    const home = await preparedHome();
    const files = join(home, 'in');
    await dieEverywhere(home, ['upload', files, '--no-progress'], async (copy) => {
      const again = await runProgram(copy, ['upload', join(copy, 'in'), '--skip-existing', '--json']);
      expect(again, again.stderr).toMatchObject({ code: 0 });
      expect(await judge(database(copy), storage(copy))).toMatchObject({ faults: [], assets: 5 });
    });
  });

  test('of a delete: every visible asset is whole, every leftover is known', async () => {
    const home = await preparedHome();
    const uploaded = await runProgram(home, ['upload', join(home, 'in'), '--json']);
    expect(uploaded, uploaded.stderr).toMatchObject({ code: 0 });
    await dieEverywhere(home, ['delete', '--name', '*.txt', '--yes', '--no-progress'], async (copy) => {
      const again = await runProgram(copy, ['delete', '--name', '*.txt', '--yes']);
      expect(again, again.stderr).toMatchObject({ code: 0 });
      expect(await judge(database(copy), storage(copy))).toMatchObject({ faults: [], assets: 1 });
    });
  });
});

/** A home with one asset already, and new files of which one equals it and two equal each other. */
async function preparedHome(): Promise<string> {
  const home = join(await temporaryDirectory(), 'home');
  const files = join(home, 'in');
  mkdirSync(files, { recursive: true });
  mkdirSync(join(home, 'config', 'asset-cli'), { recursive: true });
  writeFileSync(join(home, 'config', 'asset-cli', 'config.yaml'), 'leases: { duration: 2s }\n');
  writeFileSync(join(home, 'first.csv'), 'a,b\n1,2\n');
  const first = await runProgram(home, ['upload', 'first.csv', '--json']);
  expect(first, first.stderr).toMatchObject({ code: 0 });
  writeFileSync(join(files, 'a.txt'), 'first content');
  writeFileSync(join(files, 'b.txt'), 'second content');
  writeFileSync(join(files, 'c.txt'), 'second content');
  writeFileSync(join(files, 'd.txt'), 'a,b\n1,2\n');
  return home;
}

function dataDirectory(home: string): string {
  return join(home, 'data', 'asset-cli');
}
function database(home: string): string {
  return join(dataDirectory(home), 'assets.db');
}
function storage(home: string): string {
  return join(dataDirectory(home), 'storage');
}

/** Runs the command on fresh copies, killed at the first call of each kind, the second, … until it survives. */
async function dieEverywhere(home: string, args: string[], afterwards: (copy: string) => Promise<void>): Promise<void> {
  let died = 0;
  let counted = false;
  for (const call of CALLS) {
    for (let nth = 1; ; nth += STRIDE) {
      const copy = join(home, '..', `${call}-${nth}`);
      cpSync(home, copy, { recursive: true, preserveTimestamps: true });
      const words = args.map((arg) => arg.replace(home, copy));
      const result = await runKilledAt(copy, words, call, nth);
      if (result.signal !== 'SIGKILL') {
        expect(result, result.stderr).toMatchObject({ code: 0 });
        break;
      }
      died += 1;
      const found = await judge(database(copy), storage(copy));
      expect(found.faults, `killed at ${call} ${nth}`).toEqual([]);
      if (found.leftovers > 0 && !counted) {
        await expectCounted(copy, found.leftovers);
        counted = true;
      }
      await afterwards(copy);
      rmSync(copy, { recursive: true });
    }
  }
  expect(died).toBeGreaterThan(10);
  expect(counted).toBe(true);
}

/** What was left over is a lease that runs out, and is then counted for all to see. */
async function expectCounted(copy: string, leftovers: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const { stdout } = await runProgram(copy, ['db', 'status', '--json']);
      const { expiredLeases } = JSON.parse(stdout);
      expect(expiredLeases.pending + expiredLeases.deleting).toBe(leftovers);
    },
    { timeout: 30_000, interval: 250 },
  );
}
