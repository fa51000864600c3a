import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killAtRandom } from '../support/killed.ts';
import { runProgram } from '../support/program.ts';
import { Sqlite } from '../support/sqlite-driver.ts';
import { temporaryDirectory } from '../support/workspace.ts';

/** How many are killed; fewer in a run of all checks. */
const ROUNDS = Number(process.env.ASSET_CLI_TEST_MIGRATE_KILLS ?? (process.env.CI === 'true' ? 20 : 200));
const FILES = 60;

test('killed at random moments, a migration loses and doubles nothing, and nobody who reads notices', async () => {
  const home = await preparedHome();
  const uploaded = await runProgram(home, ['upload', 'in', '--json', '--no-progress']);
  expect(uploaded, uploaded.stderr).toMatchObject({ code: 0 });
  const assets: { id: string; fileHash: string }[] = JSON.parse(uploaded.stdout).assets;
  expect(assets).toHaveLength(FILES);
  let isRunning = true;
  let reads = 0;
  const reader = (async () => {
    for (let next = 0; isRunning; next = (next + 7) % FILES) {
      const asset = assets[next];
      if (asset === undefined) throw new Error('no asset');
      const { code, stdout, stderr } = await runProgram(home, ['download', asset.id, '-o', '-', '-q']);
      expect({ code, hash: hashOf(stdout) }, stderr).toEqual({ code: 0, hash: asset.fileHash });
      reads += 1;
    }
  })();
  await killAtRandom(home, ROUNDS, migrationOf, { life: 1500 });
  const last = await runProgram(home, ['migrate', '--from', 'one', '--to', 'two', '--yes', '--json', '--no-progress']);
  expect(last, last.stderr).toMatchObject({ code: 0 });
  isRunning = false;
  await reader;
  expect(reads).toBeGreaterThan(0);
  const database = new Sqlite(join(home, 'assets.db'), { readonly: true });
  const stored = database
    .prepare(`select count(*) as n, count(distinct sha256) as d from objects where state = 'STORED'`)
    .get();
  const there = database.prepare(`select backend, count(*) as n from assets group by backend`).all();
  database.close();
  expect(stored).toEqual({ n: FILES, d: FILES });
  expect(there).toEqual([{ backend: 'two', n: FILES }]);
  const verified = await runProgram(home, ['verify', '--deep', '--json']);
  expect(verified, verified.stderr).toMatchObject({ code: 0 });
  expect(JSON.parse(verified.stdout).summary).toMatchObject({ missing: 0, corrupt: 0, orphaned: 0 });
});

/** There and back again. */
function migrationOf(round: number): string[] {
  const [from = '', to = ''] = round % 2 === 0 ? ['one', 'two'] : ['two', 'one'];
  return ['migrate', '--from', from, '--to', to, '--yes', '--no-progress'];
}

async function preparedHome(): Promise<string> {
  const home = join(await temporaryDirectory(), 'home');
  const files = join(home, 'in');
  mkdirSync(files, { recursive: true });
  mkdirSync(join(home, 'config', 'asset-cli'), { recursive: true });
  const configuration = `database: sqlite:${join(home, 'assets.db')}
defaultBackend: one
backends:
  one: { provider: LOCAL, path: ${join(home, 'one')} }
  two: { provider: LOCAL, path: ${join(home, 'two')} }
leases: { duration: 2s }
`;
  writeFileSync(join(home, 'config', 'asset-cli', 'config.yaml'), configuration, { mode: 0o600 });
  for (let index = 0; index < FILES; index += 1) writeFileSync(join(files, `${index}.txt`), `${index} `.repeat(5000));
  return home;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
