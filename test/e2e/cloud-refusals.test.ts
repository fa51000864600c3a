import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import type { BackendDefinition } from '../../src/storage/definition.ts';
import { openBackend } from '../../src/storage/open.ts';
import { memoryBody } from '../support/bodies.ts';
import { TIMEOUTS } from '../support/cloud-stores.ts';
import type { ProgramOptions, ProgramResult } from '../support/program.ts';
import { createStoreHome, describeEachStore, type StoreKind, storedKeys } from '../support/store-homes.ts';
import { temporaryDirectory } from '../support/workspace.ts';

type Run = (args: readonly string[], options?: ProgramOptions) => Promise<ProgramResult>;

function findingOn({ stdout }: ProgramResult): { message: string; hint: string } {
  return JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === 'backend files');
}

/** A home in which no output may ever show a secret, not even with -v. */
async function careful(kind: StoreKind, backends: readonly object[], env: Record<string, string> = {}) {
  const created = await createStoreHome({ ...kind.env, ...env }, backends);
  const secrets = [...kind.secrets, ...Object.values(env).filter((value) => /wrong|nobody/i.test(value))];
  const run: Run = async (args, options) => {
    const result = await created.run([...args, '-v'], { input: 'the content\n', ...options });
    for (const secret of secrets) expect(result.stdout + result.stderr).not.toContain(secret);
    return result;
  };
  return { ...created, run };
}

const UPLOAD = ['upload', '-', '--name', 'a.txt', '--json'];

function errorOf({ stderr, stdout }: ProgramResult): {
  code: string;
  message: string;
  hint?: string;
  details?: object;
} {
  if (stdout.startsWith('{"assets"') || stdout.startsWith('{"downloaded"')) return JSON.parse(stdout).failed[0];
  return JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error;
}

async function uploadOne(run: Run): Promise<{ id: string; storagePath: string }> {
  const { code, stdout, stderr } = await run(UPLOAD);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout).assets[0];
}

/** As somebody would who knows the store, but not the catalog. */
async function behindOurBack(definition: BackendDefinition, work: (store: StorageBackend) => Promise<unknown>) {
  const store = await openBackend(definition, TIMEOUTS);
  await work(store);
  await store.close();
}

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function page(status: number): Promise<string> {
  return listen(createServer((_request, response) => response.writeHead(status).end('<!DOCTYPE html><p>Hello')));
}

/** The same store, said to be somewhere else. */
function at(definition: BackendDefinition, url: string): { definition: object; env: Record<string, string> } {
  switch (definition.provider) {
    case 'LOCAL':
      throw new Error('a directory has no endpoint');
    case 'GOOGLE_CLOUD_STORAGE':
      return { definition: { ...definition, apiEndpoint: url }, env: {} };
    case 'AWS_S3':
      return { definition: { ...definition, endpoint: url }, env: {} };
    case 'AZURE_BLOB': {
      const connection = definition.connectionString ?? '';
      return {
        definition,
        env: { ASSET_CLI_AZURE: connection.replace(/BlobEndpoint=[^;]*/, `BlobEndpoint=${url}/x`) },
      };
    }
  }
}

/** Every way of being refused by what opens the store. */
async function wrongCredentials(
  kind: StoreKind,
): Promise<{ name: string; change: object; env: Record<string, string> }[]> {
  const wrongKey = Buffer.from('the wrong key').toString('base64');
  switch (kind.provider) {
    case 'LOCAL':
      return [];
    case 'AWS_S3':
      return [
        { name: 'a wrong secret', change: {}, env: { AWS_SECRET_ACCESS_KEY: 'wrong-secret-key' } },
        { name: 'an unknown key', change: {}, env: { AWS_ACCESS_KEY_ID: 'NOBODYKNOWSTHIS' } },
        { name: 'a profile that is not there', change: { profile: 'absent' }, env: {} },
        { name: 'a wrong region', change: { region: 'eu-west-1' }, env: {} },
      ];
    case 'AZURE_BLOB': {
      const connection = kind.env['ASSET_CLI_AZURE'] ?? '';
      const wrong = connection.replace(/AccountKey=[^;]*/, `AccountKey=${wrongKey}`);
      return [{ name: 'a wrong account key', change: {}, env: { ASSET_CLI_AZURE: wrong } }];
    }
    case 'GOOGLE_CLOUD_STORAGE': {
      const file = join(await temporaryDirectory(), 'key.json');
      writeFileSync(file, '{"type":"service_account"');
      return [
        { name: 'a broken key file', change: { credentialsFile: file }, env: {} },
        { name: 'a missing key file', change: { credentialsFile: '/nonexistent/key.json' }, env: {} },
      ];
    }
  }
}

test('an unknown provider is refused with the nearest one', async () => {
  const { run } = await createStoreHome({}, [{ name: 'files', provider: 'AWS_S4', bucket: 'x' }]);
  const result = await run(['list', '--json']);
  expect(result.code).toBe(3);
  expect(errorOf(result)).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.stringContaining('AWS_S3') });
});

await describeEachStore('refused', (kind) => {
  const isLocal = kind.provider === 'LOCAL';

  test.skipIf(isLocal)('a bucket that is not there', async () => {
    const store = await kind.fresh('files');
    const missing = { ...store, ...('container' in store ? { container: 'absent' } : { bucket: 'absent-bucket' }) };
    const { run } = await careful(kind, [missing]);
    const result = await run(UPLOAD);
    expect(result.code, result.stdout).toBe(3);
    expect(errorOf(result)).toMatchObject({ code: 'STORE_NOT_FOUND' });
    expect((await run(['doctor'])).code).toBe(3);
    expect((await run(['list', '--ids'])).stdout).toBe('');
  });

  const isChecked = kind.provider === 'AWS_S3' || kind.provider === 'AZURE_BLOB';
  test.skipIf(!isChecked)("the provider's request id is told, whatever was asked for", async () => {
    const home = await careful(kind, [await kind.fresh('files')]);
    const { id } = await uploadOne(home.run);
    const [{ env } = { env: {} }] = await wrongCredentials(kind);
    const told = { code: 'CREDENTIALS_REFUSED', details: { requestId: expect.stringMatching(/./) } };
    const ofOne = [['download', id, '-o', '-'], ['publish', id], ['verify'], ['delete', id, '--yes']];
    const commands = kind.provider === 'AWS_S3' ? [...ofOne, ['sign', id]] : ofOne;
    for (const args of commands) {
      const result = await home.run([...args, '--json'], { env });
      expect([args[0], result.code, errorOf({ ...result, stdout: '' })]).toMatchObject([args[0], 3, told]);
    }
    const { stdout } = await home.run(['verify', '--json'], { env });
    expect(JSON.parse(stdout).failed).toMatchObject([{ backend: 'files', requestId: told.details.requestId }]);
    const { stderr } = await home.run(['publish', id], { env });
    expect(stderr).toMatch(/^request: ./m);
  });

  test.skipIf(isLocal)('credentials that do not work', async () => {
    const store = await kind.fresh('files');
    for (const { name, change, env } of await wrongCredentials(kind)) {
      const { run } = await careful(kind, [{ ...store, ...change }], env);
      const result = await run(UPLOAD);
      expect([name, result.code, errorOf(result).code]).toEqual([name, 3, 'CREDENTIALS_REFUSED']);
      const doctor = await run(['doctor', '--json']);
      expect(doctor.code, name).toBe(3);
      const finding = findingOn(doctor);
      expect(finding.hint).toMatch(/"endpoint"|"apiEndpoint"|"connectionString"/);
      expect(finding.hint).not.toContain('asset-cli doctor');
    }
    expect(await storedKeys(store)).toEqual([]);
  });

  test.skipIf(isLocal)('an endpoint that is something else', async () => {
    const store = await kind.fresh('files');
    for (const status of [200, 400, 404, 405]) {
      const { definition, env } = at(store, await page(status));
      const { run } = await careful(kind, [definition], env);
      const result = await run(UPLOAD);
      expect([status, result.code], errorOf(result).message).toEqual([status, 3]);
      if (status !== 200) expect(errorOf(result).message).toMatch(/: is it|does not exist/);
      expect((await run(['list', '--ids'])).stdout).toBe('');
    }
    expect(await storedKeys(store)).toEqual([]);
  });

  test.skipIf(isLocal)('TLS where none is spoken', async () => {
    const store = await kind.fresh('files');
    const { definition, env } = at(store, (await page(200)).replace('http:', 'https:'));
    const { run } = await careful(kind, [definition], env);
    const result = await run(UPLOAD);
    expect(result.code, result.stdout).toBe(3);
    expect(errorOf(result)).toMatchObject({ message: expect.stringContaining('speaks no TLS') });
  });

  test.skipIf(kind.provider !== 'AWS_S3')('a bucket in the path of the endpoint', async () => {
    const store = await kind.fresh('files');
    if (store.provider !== 'AWS_S3') throw new Error('this is about S3');
    const { run } = await careful(kind, [{ ...store, endpoint: `${store.endpoint}/${store.bucket}` }]);
    const result = await run(UPLOAD);
    expect(result.code, result.stdout).toBe(3);
    expect(errorOf(result)).toMatchObject({ code: 'STORE_NOT_FOUND', hint: expect.stringContaining('endpoint') });
    expect(await storedKeys(store)).toEqual([]);
  });

  test.skipIf(kind.provider !== 'AWS_S3')('a region that nobody named', async () => {
    const { region: _, ...store } = { region: '', ...(await kind.fresh('files')) };
    const { run } = await careful(kind, [store]);
    const result = await run(UPLOAD);
    expect(result.code, result.stdout).toBe(3);
    expect(errorOf(result).message).toContain('AWS_REGION');
  });

  test.skipIf(isLocal)('an endpoint that answers no HTTP, or not at all', async () => {
    const store = await kind.fresh('files');
    const talking = await listen(
      createTcpServer((socket) => socket.on('error', () => undefined).write('SSH-2.0-x\r\n')),
    );
    const endpoints: [string, number, string, object][] = [
      [talking, 3, 'speaks no HTTP', {}],
      ['http://127.0.0.1:9', 8, 'ECONNREFUSED', { timeouts: { deadline: '1s' } }],
    ];
    for (const [url, code, message, settings] of endpoints) {
      const { definition, env } = at(store, url);
      const { run, configure } = await careful(kind, [definition], env);
      configure([definition], settings);
      const result = await run(UPLOAD);
      expect([url, result.code], errorOf(result).message).toEqual([url, code]);
      expect(errorOf(result).message).toContain(message);
    }
  });

  describe('what somebody did behind our back', () => {
    test('an object that was removed', async () => {
      const store = await kind.fresh('files');
      const { run } = await careful(kind, [store]);
      const { id, storagePath } = await uploadOne(run);
      await behindOurBack(store, (backend) => backend.deleteMany([parseStorageKey(storagePath)]));
      await expectDamage(run, id, 'BYTES_MISSING');
    });

    test('an object that was changed', async () => {
      const store = await kind.fresh('files');
      const { run } = await careful(kind, [store]);
      const { id, storagePath } = await uploadOne(run);
      await behindOurBack(store, (backend) =>
        backend.put(parseStorageKey(storagePath), memoryBody('the c0ntent\n'), { contentType: 'text/plain' }),
      );
      await expectDamage(run, id, 'BYTES_DAMAGED');
      // The same content again is stored anew, and heals the first asset.
      await uploadOne(run);
      expect((await run(['download', id, '-o', '-'])).stdout).toBe('the content\n');
    });

    async function expectDamage(run: Run, id: string, code: string): Promise<void> {
      const result = await run(['download', id, '-o', 'target.txt', '--json']);
      expect(result.code, result.stderr).toBe(10);
      expect(errorOf(result)).toMatchObject({ code });
      const trail = JSON.parse((await run(['audit', id, '--json'])).stdout).events;
      expect(trail[0]).toMatchObject({ action: 'downloaded', outcome: 'failed', assetId: id, details: { code } });
      expect((await run(['show', id, '--json'])).code).toBe(0);
    }
  });

  describe('a store that is not the one it was', () => {
    const commands = (id: string) => [
      UPLOAD,
      ['download', id, '-o', 'target.txt', '--json'],
      ['delete', id, '--yes', '--json'],
      ...(isLocal ? [] : [['sign', id, '--json']]),
    ];

    async function expectRefused(run: Run, id: string, ...stores: BackendDefinition[]): Promise<void> {
      const before = await Promise.all(stores.map(storedKeys));
      for (const command of commands(id)) {
        const result = await run(command);
        expect([command[0], result.code], result.stdout + result.stderr).toEqual([command[0], 3]);
      }
      const doctor = JSON.parse((await run(['doctor', '--json'])).stdout);
      const finding = doctor.checks.find(({ name }: { name: string }) => name === 'backend files');
      expect(finding).toMatchObject({ status: 'error', hint: expect.stringContaining('doctor --adopt files') });
      expect(await Promise.all(stores.map(storedKeys))).toEqual(before);
      expect((await run(['show', id])).code).toBe(0);
    }

    test("another catalog's bucket", async () => {
      const store = await kind.fresh('files');
      const theirs = await careful(kind, [store]);
      await uploadOne(theirs.run);
      const ours = await careful(kind, [await kind.fresh('files')]);
      const { id } = await uploadOne(ours.run);
      ours.configure([store]);
      await expectRefused(ours.run, id, store);
    });

    test.skipIf(isLocal)('a bucket that went', async () => {
      const store = await kind.fresh('files');
      const { run, configure } = await careful(kind, [store]);
      await uploadOne(run);
      configure([{ ...store, ...('container' in store ? { container: 'absent' } : { bucket: 'absent-bucket' }) }]);
      const result = await run(UPLOAD);
      expect(result.code, result.stdout).toBe(3);
      expect(errorOf(result)).toMatchObject({ code: 'STORE_NOT_FOUND' });
      expect(errorOf(result).hint).not.toContain('--adopt');
    });

    test('a changed prefix', async () => {
      const store = await kind.fresh('files', { prefix: 'a' });
      const { run, configure } = await careful(kind, [store]);
      const { id } = await uploadOne(run);
      const moved = await kind.fresh('files', { prefix: 'b', sameAs: store });
      if (isLocal) Object.assign(moved, { path: join(store.provider === 'LOCAL' ? store.path : '', '..', 'b') });
      configure([moved]);
      if (!isLocal) await expectRefused(run, id, store, moved);
      else expect((await run(['download', id, '-o', '-'])).code).toBe(3);
    });

    test('a store inside ours, and one around it', async () => {
      const inner = await kind.fresh('files', { prefix: 'team/a' });
      const { run } = await careful(kind, [inner]);
      await uploadOne(run);
      const outer = await kind.fresh('files', { sameAs: inner });
      if (inner.provider === 'LOCAL') Object.assign(outer, { path: join(inner.path, '..') });
      const around = await careful(kind, [outer]);
      expect((await around.run(UPLOAD)).code).toBe(3);
      const deeper = await kind.fresh('files', { prefix: 'team/a/b', sameAs: inner });
      if (inner.provider === 'LOCAL') Object.assign(deeper, { path: join(inner.path, 'b') });
      const inside = await careful(kind, [deeper]);
      const refused = await inside.run(UPLOAD);
      expect(refused.code).toBe(3);
      expect(errorOf(refused)).toMatchObject({ code: 'STORE_NOT_OURS', hint: expect.stringContaining('of its own') });
      expect(errorOf(refused).hint).not.toContain('--adopt');
    });

    test('an emptied bucket; taken over, it works again', async () => {
      const store = await kind.fresh('files');
      const { run } = await careful(kind, [store]);
      const { id } = await uploadOne(run);
      await behindOurBack(store, async (backend) => {
        for (const key of await storedKeys(store)) await backend.deleteMany([parseStorageKey(key)]);
      });
      await expectRefused(run, id, store);
      expect((await run(['doctor', '--adopt', 'files'])).code).toBe(2);
      expect((await run(['doctor', '--adopt', 'files', '--yes', '--role', 'member'])).code).toBe(5);
      expect((await run(['doctor', '--adopt', 'files', '--yes'])).code).toBe(0);
      const lost = await run(['download', id, '-o', '-']);
      expect(lost.code, lost.stderr).toBe(10);
      await uploadOne(run);
      expect((await run(['download', id, '-o', '-'])).stdout).toBe('the content\n');
    });

    test('something else where the marker should be', async () => {
      const store = await kind.fresh('files');
      const { run } = await careful(kind, [store]);
      const { id } = await uploadOne(run);
      await behindOurBack(store, (backend) =>
        backend.put(parseStorageKey('.asset-cli.json'), memoryBody('<html>'), { contentType: 'text/html' }),
      );
      await expectRefused(run, id, store);
    });
  });
});
