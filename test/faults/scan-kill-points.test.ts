import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { judge } from '../support/judge.ts';
import { runKilledAt } from '../support/killed.ts';
import { type OwnClamd, startOwnClamd } from '../support/own-clamd.ts';
import { runProgram } from '../support/program.ts';
import { EICAR } from '../support/services/clamd.ts';
import { describeWithService } from '../support/services/index.ts';
import { requireTool } from '../support/tools.ts';
import { temporaryDirectory } from '../support/workspace.ts';

/** What writes rows, and what puts and removes bytes. */
const CALLS = ['pwrite64', 'fdatasync', 'fsync', 'link', 'linkat', 'rename', 'unlink', 'unlinkat'];
const STRIDE = Number(process.env['ASSET_CLI_TEST_KILL_STRIDE'] ?? '1');
const strace = requireTool('strace', ['-V'], 'apt-get install strace');

await describeWithService('clamd', 'a scan that finds a virus, killed at every call that changes the disk', () => {
  let clamd: OwnClamd;
  beforeAll(async () => {
    clamd = await startOwnClamd();
  });
  afterAll(() => clamd?.stop());

  test.skipIf(strace.missing)('is finished by the next scan or by purge-expired', async () => {
    const home = await preparedHome(clamd);
    let died = 0;
    let betweenVerdictAndMove = 0;
    for (const call of CALLS) {
      for (let nth = 1; ; nth += STRIDE) {
        const copy = join(home, '..', `${call}-${nth}`);
        cpSync(home, copy, { recursive: true, preserveTimestamps: true });
        const result = await runKilledAt(copy, ['scan', '--no-progress'], call, nth);
        if (result.signal !== 'SIGKILL') {
          expect(result, result.stderr).toMatchObject({ code: 7 });
          break;
        }
        died += 1;
        expect((await judge(database(copy), storage(copy))).faults, `killed at ${call} ${nth}`).toEqual([]);
        const waits = (await assetsIn(copy)).some((each) => each.virusScanStatus === 'INFECTED' && !isAway(each));
        if (waits) betweenVerdictAndMove += 1;
        await expectFinished(copy, waits && betweenVerdictAndMove % 2 === 0);
        rmSync(copy, { recursive: true });
      }
    }
    expect(died).toBeGreaterThan(10);
    expect(betweenVerdictAndMove).toBeGreaterThan(0);
  });
});

/** After the leases of what died have run out. */
async function expectFinished(copy: string, byPurge: boolean): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const finishing = byPurge ? ['purge-expired', '--yes'] : ['scan'];
  const finished = await runProgram(copy, finishing);
  expect([0, 7], finished.stderr).toContain(finished.code);
  const assets = await assetsIn(copy);
  expect(assets.filter((each) => each.virusScanStatus === 'INFECTED').map(isAway)).toEqual([true, true]);
  await runProgram(copy, ['purge-expired', '--yes']);
  expect(await judge(database(copy), storage(copy))).toMatchObject({ faults: [], assets: 3 });
}

function isAway({ status, storagePath }: Asset): boolean {
  return status === 'quarantined' && storagePath.startsWith('quarantine/');
}

async function assetsIn(home: string): Promise<Asset[]> {
  const { stdout, stderr } = await runProgram(home, ['list', '--status', 'any', '--all', '--json']);
  expect(stderr).toBe('');
  return JSON.parse(stdout).assets;
}

/** Two assets on infected content, one of them public, and a good one; all of them unscanned. */
async function preparedHome({ host, port }: OwnClamd): Promise<string> {
  const home = join(await temporaryDirectory(), 'home');
  mkdirSync(join(home, 'config', 'asset-cli'), { recursive: true });
  const file = join(home, 'config', 'asset-cli', 'config.yaml');
  const configure = (mode: string) =>
    writeFileSync(file, `leases: { duration: 1s }\nscan: { mode: ${mode}, clamd: { host: ${host}, port: ${port} } }\n`);
  configure('off');
  writeFileSync(join(home, 'bad.txt'), EICAR);
  writeFileSync(join(home, 'good.txt'), 'good');
  for (const args of [
    ['bad.txt', 'good.txt'],
    ['bad.txt', '--public'],
  ]) {
    const { code, stderr } = await runProgram(home, ['upload', ...args]);
    expect(code, stderr).toBe(0);
  }
  configure('auto');
  return home;
}

function database(home: string): string {
  return join(home, 'data', 'asset-cli', 'assets.db');
}

function storage(home: string): string {
  return join(home, 'data', 'asset-cli', 'storage');
}
