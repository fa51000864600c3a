import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { judge } from '../support/judge.ts';
import { type ProgramResult, runProgram } from '../support/program.ts';
import { requireTool } from '../support/tools.ts';
import { temporaryDirectory } from '../support/workspace.ts';

/** Everything by which bytes or rows reach the disk or leave it: each call is a point to die at. */
const CALLS =
  'write,pwrite64,writev,pwritev,fsync,fdatasync,ftruncate,link,linkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir';
const strace = requireTool('strace', ['-V'], 'apt-get install strace');

/** Only one call in so many is a point to die at: 1 is all of them. */
const STRIDE = Number(process.env.ASSET_CLI_TEST_KILL_STRIDE ?? '1');

describe.skipIf(strace.missing)('SIGKILL at every call that changes the disk', () => {
  test('of an upload: every visible asset is whole, every leftover is known', async () => {
    const home = await preparedHome();
    const files = join(home, 'in');
    await dieEverywhere(home, ['upload', files, '--no-progress'], async (copy) => {
      const again = await runProgram(copy, ['upload', join(copy, 'in'), '--skip-existing', '--json']);
      expect(again, again.stderr).toMatchObject({ code: 0 });
      expect(judge(database(copy), storage(copy))).toMatchObject({ faults: [], assets: 5 });
    });
  });

  test('of a delete: every visible asset is whole, every leftover is known', async () => {
    const home = await preparedHome();
    const uploaded = await runProgram(home, ['upload', join(home, 'in'), '--json']);
    expect(uploaded, uploaded.stderr).toMatchObject({ code: 0 });
    await dieEverywhere(home, ['delete', '--name', '*.txt', '--yes', '--no-progress'], async (copy) => {
      const again = await runProgram(copy, ['delete', '--name', '*.txt', '--yes']);
      expect(again, again.stderr).toMatchObject({ code: 0 });
      expect(judge(database(copy), storage(copy))).toMatchObject({ faults: [], assets: 1 });
    });
  });
});

/** A home with one asset already, and new files of which one equals it and two equal each other. */
async function preparedHome(): Promise<string> {
  const home = join(await temporaryDirectory(), 'home');
  const files = join(home, 'in');
  mkdirSync(files, { recursive: true });
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

/** Runs the command again and again on fresh copies, killed at its first call, its second, … until it survives. */
async function dieEverywhere(home: string, args: string[], afterwards: (copy: string) => Promise<void>): Promise<void> {
  let died = 0;
  for (let point = 1; ; point += STRIDE) {
    const copy = join(home, '..', `run-${point}`);
    cpSync(home, copy, { recursive: true, preserveTimestamps: true });
    const result = await runKilledAt(
      copy,
      args.map((arg) => arg.replace(home, copy)),
      point,
    );
    if (result.signal !== 'SIGKILL') {
      expect(result, result.stderr).toMatchObject({ code: 0 });
      break;
    }
    died += 1;
    const found = judge(database(copy), storage(copy));
    expect(found.faults, `killed at call ${point}`).toEqual([]);
    await afterwards(copy);
    rmSync(copy, { recursive: true });
  }
  expect(died).toBeGreaterThan(10 / STRIDE);
}

async function runKilledAt(copy: string, args: readonly string[], point: number): Promise<ProgramResult> {
  const prefix = ['strace', '-f', '-qqq', '-o', '/dev/null', '-e', `trace=${CALLS}`];
  prefix.push('-e', `inject=${CALLS}:signal=KILL:when=${point}`);
  // One thread for file work, so that a point is the same call each time.
  return runProgram(copy, args, { prefix, env: { UV_THREADPOOL_SIZE: '1' } });
}
