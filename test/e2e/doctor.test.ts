import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { runProgram } from '../support/program.ts';
import { createStoreHome, describeEachStore, storedKeys } from '../support/store-homes.ts';
import { temporaryDirectory } from '../support/workspace.ts';

interface Check {
  name: string;
  status: string;
  message: string;
  hint: string | null;
}

function checksIn(stdout: string): Map<string, Check> {
  return new Map(JSON.parse(stdout).checks.map((check: Check) => [check.name, check]));
}

await describeEachStore('doctor', (kind) => {
  const signs = kind.provider !== 'LOCAL';

  test('examines everything against the real thing, and leaves nothing behind', async () => {
    const store = await kind.fresh('files');
    const { run } = await createStoreHome(kind.env, [store]);
    const { stdout, stderr, code } = await run(['doctor', '--json']);
    expect(code, stdout + stderr).toBe(0);
    const checks = checksIn(stdout);
    const names = [
      'versions',
      'configuration',
      'database',
      'database writes',
      'database clock',
      'database space',
      'temporary space',
    ];
    const stores = ['backend files', 'backend files clock', ...(signs ? [] : ['backend files space'])];
    expect([...checks.keys()]).toEqual([...names, ...stores, 'scanner']);
    expect([...checks.values()].filter(({ status }) => status !== 'ok')).toEqual([]);
    const did = signs ? 'wrote, read, listed, signed and deleted' : 'wrote, read, listed and deleted';
    expect(checks.get('backend files')?.message).toBe(`${kind.provider}: ${did} a probe`);
    expect(await storedKeys(store)).toEqual(['.asset-cli.json']);
    expect(checks.get('versions')?.message).toContain(process.version);
    expect((await run(['doctor'])).stdout).toMatch(/^ok {7}backend files: /m);
    for (const secret of kind.secrets) expect(stdout + stderr).not.toContain(secret);
  });

  test('sees a clock that is off, and says by how much', async () => {
    const { home, run } = await createStoreHome(kind.env, [await kind.fresh('files')]);
    // The program's own clock, ten minutes ahead: S3 and Azure still accept its signatures.
    const shift = join(home, 'shift.cjs');
    writeFileSync(shift, 'const now = Date.now; Date.now = () => now() + 600_000;');
    const { stdout, code } = await run(['doctor', '--json'], { env: { NODE_OPTIONS: `--require=${shift}` } });
    expect(code, stdout).toBe(0);
    expect(checksIn(stdout).get('backend files clock')).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('10 min'),
      hint: expect.stringContaining('NTP'),
    });
  });
});

await describeEachDatabase('doctor', (database) => {
  test('names interrupted work whose leases have run out, as db status does', async () => {
    const home = await temporaryDirectory();
    const { env, query } = await database.create(home);
    expect((await runProgram(home, ['upload', '-', '--name', 'a.txt'], { env, input: 'text\n' })).code).toBe(0);
    await query("update objects set state = 'DELETING', lease_expires_at = '2020-01-01T00:00:00.000Z'");
    const doctor = await runProgram(home, ['doctor', '--json'], { env });
    expect(doctor.code).toBe(0);
    expect(checksIn(doctor.stdout).get('leases')).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('1 interrupted deletes'),
      hint: expect.stringContaining('purge-expired'),
    });
    expect((await runProgram(home, ['db', 'status'], { env })).stdout).toMatch(
      /0 uploads, 1 deletes \(their leases have run out\)/,
    );
  });
});

test('leaves the probe of another that is at work, and removes one that was left behind', async () => {
  const home = await temporaryDirectory();
  const store = { name: 'files', provider: 'LOCAL' as const, path: join(home, 'store') };
  const { run } = await createStoreHome({}, [store]);
  expect((await run(['doctor'])).code).toBe(0);
  const [alive, dead] = ['alive', 'dead'].map((name) => join(store.path, '.asset-cli-probe', name));
  mkdirSync(join(store.path, '.asset-cli-probe'), { recursive: true });
  for (const path of [alive, dead]) writeFileSync(path ?? '', 'probe');
  utimesSync(dead ?? '', new Date(), new Date(Date.now() - 2 * 3_600_000));
  expect((await run(['doctor'])).code).toBe(0);
  expect(await storedKeys(store)).toEqual(['.asset-cli-probe/alive', '.asset-cli.json']);
});

test('ends with the status of the worst finding', async () => {
  const home = await temporaryDirectory();
  const config = {
    defaultBackend: 'gone',
    backends: { gone: { provider: 'LOCAL', path: './gone' }, away: AWAY },
    timeouts: { deadline: '1s' },
  };
  writeFileSync(join(home, 'asset-cli.config.json'), JSON.stringify(config), { mode: 0o600 });
  const env = { AWS_ACCESS_KEY_ID: 'some', AWS_SECRET_ACCESS_KEY: 'thing' };
  expect((await runProgram(home, ['doctor'], { env })).code).toBe(8);
  rmSync(join(home, 'gone'), { recursive: true });
  const { code, stdout } = await runProgram(home, ['doctor'], { env });
  expect(code, stdout).toBe(3);
  expect(stdout).toMatch(/^error {4}backend gone: .*\n {9}.*doctor --adopt gone/m);
  expect(stdout).toMatch(/^error {4}backend away: /m);
});

const AWAY = { provider: 'AWS_S3', bucket: 'some', region: 'eu-west-1', endpoint: 'http://127.0.0.1:9' };
