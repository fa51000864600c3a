import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BackendDefinition } from '../../src/storage/definition.ts';
import { finished, runProgram, startProgram } from '../support/program.ts';
import { createDatabase, describeWithService } from '../support/services/index.ts';
import { createStoreHome, describeEachStore, storedKeys } from '../support/store-homes.ts';
import { temporaryDirectory } from '../support/workspace.ts';

/** As a person would write the store as options; the Azure connection string is found in the environment. */
function optionsFor(store: BackendDefinition): string[] {
  const { name, provider } = store;
  const all = ['--backend', name, '--provider', provider];
  const add = (option: string, value: string | undefined) => value !== undefined && all.push(option, value);
  if ('path' in store) add('--path', store.path);
  if ('bucket' in store) add('--bucket', store.bucket);
  if ('container' in store) add('--container', store.container);
  if ('region' in store) add('--region', store.region);
  if ('credentialsFile' in store) add('--credentials-file', store.credentialsFile);
  add('--endpoint', 'apiEndpoint' in store ? store.apiEndpoint : 'endpoint' in store ? store.endpoint : undefined);
  return all;
}

await describeEachStore('init', (kind) => {
  const { ASSET_CLI_AZURE: connection, ...chain } = kind.env;
  const found: Record<string, string> =
    connection === undefined ? chain : { AZURE_STORAGE_CONNECTION_STRING: connection };

  test('by options: tests the store, writes a private file that works, and names what comes next', async () => {
    const home = await temporaryDirectory();
    const store = await kind.fresh('files');
    const result = await runProgram(home, ['init', '--yes', '--json', ...optionsFor(store)], { env: found });
    expect(result.code, result.stderr).toBe(0);
    const { path, next, environment, checks, provider } = JSON.parse(result.stdout);
    expect({ path, provider }).toEqual({ path: join(home, 'asset-cli.config.yaml'), provider: kind.provider });
    expect(checks.map((check: { name: string }) => check.name)).toContain('backend files');
    expect(next).toEqual(['asset-cli doctor', 'asset-cli upload <file>', 'asset-cli list']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    // The probe is gone, and nothing was claimed before it is used.
    expect(await storedKeys(store)).toEqual([]);
    const text = readFileSync(path, 'utf8');
    for (const secret of kind.secrets) expect(text + result.stdout + result.stderr).not.toContain(secret);
    const exported = connection === undefined ? found : { ...found, ASSET_CLI_AZURE_CONNECTION_STRING: connection };
    expect(environment).toEqual(
      connection === undefined ? [] : ['ASSET_CLI_AZURE_CONNECTION_STRING="$AZURE_STORAGE_CONNECTION_STRING"'],
    );
    for (const command of [['doctor'], ['upload', '-', '--name', 'a.txt'], ['list']]) {
      const next = await runProgram(home, command, { env: exported, input: 'text\n' });
      expect(next.code, next.stderr).toBe(0);
    }
  });

  test("refuses another catalog's store, which no configuration could take over yet", async () => {
    const store = await kind.fresh('files');
    const theirs = await createStoreHome(kind.env, [store]);
    expect(await theirs.run(['upload', '-', '--name', 'a.txt'], { input: 'text\n' })).toMatchObject({ code: 0 });
    const home = await temporaryDirectory();
    const result = await runProgram(home, ['init', '--yes', ...optionsFor(store)], { env: found });
    expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining('belongs to another catalog') });
    expect(result.stderr).toContain('of its own');
    expect(result.stderr).not.toContain('--adopt');
  });

  test('refuses what is not there, and writes nothing', async () => {
    const home = await temporaryDirectory();
    const store = await kind.fresh('files');
    if ('path' in store) {
      writeFileSync(join(home, 'file'), '');
      Object.assign(store, { path: join(home, 'file', 'store') });
    }
    if ('bucket' in store) Object.assign(store, { bucket: 'is-not-there' });
    if ('container' in store) Object.assign(store, { container: 'is-not-there' });
    const result = await runProgram(home, ['init', '--yes', ...optionsFor(store)], { env: found });
    expect(result.code, result.stderr).toBe(kind.provider === 'LOCAL' ? 2 : 3);
    expect(result.stderr).toMatch(/^error: .*\nhint: {2}.*\n$/m);
    expect(existsSync(join(home, 'asset-cli.config.yaml'))).toBe(false);
    for (const secret of kind.secrets) expect(result.stdout + result.stderr).not.toContain(secret);
  });

  test("refuses another catalog's store", async () => {
    const store = await kind.fresh('files');
    const [first, second] = [await temporaryDirectory(), await temporaryDirectory()];
    const env = connection === undefined ? found : { ...found, ASSET_CLI_AZURE_CONNECTION_STRING: connection };
    const args = ['init', '--yes', ...optionsFor(store)];
    expect((await runProgram(first, args, { env })).code).toBe(0);
    expect((await runProgram(first, ['upload', '-', '--name', 'a.txt'], { env, input: 'text\n' })).code).toBe(0);
    // Its own catalog may be configured again, another may not.
    expect((await runProgram(first, [...args, '--force'], { env })).code).toBe(0);
    const refused = await runProgram(second, [...args, '--json'], { env });
    expect(refused.code).toBe(3);
    expect(JSON.parse(refused.stderr).error.code).toBe('STORE_NOT_OURS');
  });
});

describe('the file that init writes', () => {
  test('replaces none without --force', async () => {
    const home = await temporaryDirectory();
    const path = join(home, 'asset-cli.config.yaml');
    writeFileSync(path, '# mine\n');
    const refused = await runProgram(home, ['init', '--yes', '--json']);
    expect(refused.code).toBe(11);
    expect(JSON.parse(refused.stderr).error.code).toBe('TARGET_EXISTS');
    expect(readFileSync(path, 'utf8')).toBe('# mine\n');
    expect((await runProgram(home, ['init', '--yes', '--force'])).code).toBe(0);
    expect(readFileSync(path, 'utf8')).toContain('provider: LOCAL');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('is found wherever the user is, or by its name', async () => {
    const home = await temporaryDirectory();
    const own = JSON.parse((await runProgram(home, ['init', '--yes', '--json', '--user-wide'])).stdout);
    expect(own.path).toBe(join(home, 'config', 'asset-cli', 'config.yaml'));
    expect((await runProgram(home, ['doctor'])).stdout).toContain(own.path);
    const named = await runProgram(home, ['init', '--yes', '--json', '--config', 'my config.yaml']);
    expect(JSON.parse(named.stdout).next[0]).toBe(`asset-cli --config '${join(home, 'my config.yaml')}' doctor`);
    expect((await runProgram(home, ['init', '--yes', '--config', 'config.toml'])).code).toBe(2);
  });

  test('is not written when a test is broken off', async () => {
    const home = await temporaryDirectory();
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const store = ['--provider', 'AWS_S3', '--bucket', 'bucket', '--region', 'us-east-1', '--endpoint', endpoint];
    const env = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };
    const child = startProgram(home, ['init', '--yes', '--json', ...store], { env });
    silent.once('connection', (socket) => {
      child.kill('SIGINT');
      setTimeout(() => socket.destroy(), 500);
    });
    const { code, stdout, stderr } = await finished(child);
    expect([code, stdout]).toEqual([130, '']);
    expect(JSON.parse(stderr).error.code).toBe('INTERRUPTED');
    expect(existsSync(join(home, 'asset-cli.config.yaml'))).toBe(false);
  });

  test('keeps odd characters as they were given', async () => {
    const home = await temporaryDirectory();
    const path = join(home, `a \${HOME} # "b": é`);
    const result = await runProgram(home, ['init', '--yes', '--path', path, '--database', 'sqlite:cat #1.db']);
    expect(result.code, result.stderr).toBe(0);
    const { stdout } = await runProgram(home, ['doctor']);
    expect(stdout).toContain(`at ${join(home, 'cat #1.db')}`);
    expect(existsSync(path)).toBe(true);
  });

  test('is not begun where nobody can be asked, or nothing can be written', async () => {
    const home = await temporaryDirectory();
    const refused = await runProgram(home, ['init', '--json']);
    expect(refused.code).toBe(2);
    expect(JSON.parse(refused.stderr).error.code).toBe('CONFIRMATION_REQUIRED');
    expect((await runProgram(home, ['init', '--yes', '--bucket', 'x'])).code).toBe(2);
    expect((await runProgram(home, ['init', '--yes', '--provider', 'FTP'])).code).toBe(2);
    expect((await runProgram(home, ['init', '--yes', '--provider', 'S3'])).code).toBe(2);
    expect(existsSync(join(home, 'data'))).toBe(false);
    if (process.getuid?.() === 0) return;
    chmodSync(home, 0o500);
    expect((await runProgram(home, ['init', '--yes', '--config', 'sub/x.yaml'])).code).toBe(5);
    chmodSync(home, 0o700);
  });
});

await describeWithService('postgres', 'init with PostgreSQL', () => {
  test('takes the password out of the url, and says what the environment needs', async () => {
    const home = await temporaryDirectory();
    const url = new URL(await createDatabase());
    url.password ||= 'secret-word';
    const { stdout, stderr, code } = await runProgram(home, ['init', '--yes', '--json', '--database', url.href]);
    expect(code, stderr).toBe(0);
    const { path, environment, database } = JSON.parse(stdout);
    expect(environment).toEqual(["PGPASSWORD='<the password>'"]);
    expect(database).toContain(url.pathname);
    const text = readFileSync(path, 'utf8');
    expect(text).toContain(`postgres://${url.username}@${url.host}${url.pathname}`);
    expect(text + stdout + stderr).not.toContain(`:${url.password}@`);
    const env = { PGPASSWORD: decodeURIComponent(url.password) };
    const doctor = await runProgram(home, ['doctor'], { env });
    expect(doctor.code, doctor.stdout).toBe(0);
    expect(doctor.stdout).toMatch(/database: postgres/);
  });

  test('refuses a database that is not there', async () => {
    const home = await temporaryDirectory();
    const url = new URL(await createDatabase());
    url.pathname = '/is_not_there';
    const { code, stderr } = await runProgram(home, ['init', '--yes', '--database', url.href]);
    expect(code, stderr).toBe(3);
    if (url.password.length > 3) expect(stderr).not.toContain(url.password);
    expect(existsSync(join(home, 'asset-cli.config.yaml'))).toBe(false);
  });
});
