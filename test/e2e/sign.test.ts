import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { toSigningKey } from '../../src/core/signed-path.ts';
import { postgresDatabases } from '../support/postgres-databases.ts';
import { runProgram, startProgram } from '../support/program.ts';
import { createBucket, describeWithService, type Services } from '../support/services/index.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const NAME = 'Bericht "für" 世界.txt';

/** A home whose default backend is a bucket of its own, with one text in it. */
async function homeWithAsset(s3: Services['s3'], more: object = {}) {
  const home = await temporaryDirectory();
  const bucket = await createBucket('s3');
  const backend = { provider: 'AWS_S3', bucket, endpoint: s3.url, region: s3.region, forcePathStyle: true };
  writeFileSync(join(home, 'asset-cli.config.json'), JSON.stringify({ backends: { reports: backend }, ...more }), {
    mode: 0o600,
  });
  const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
  const run = (...args: string[]) => runProgram(home, args, { env, input: 'the content\n' });
  const uploaded = await run('upload', '-', '--name', NAME, '--json');
  expect(uploaded.code).toBe(0);
  const id: string = JSON.parse(uploaded.stdout).assets[0].id;
  return { run, id, secret: s3.secretAccessKey };
}

await describeWithService('s3', 'a signed URL', (s3) => {
  test('hands the content out under its name, and is in the audit trail', async () => {
    const { run, id } = await homeWithAsset(s3);
    const { stdout, code } = await run('sign', id.slice(0, 8), '--expires-in', '15m', '--json');
    expect(code).toBe(0);
    const signed = JSON.parse(stdout);
    expect(signed).toEqual({
      id,
      contentEncoding: null,
      url: expect.stringContaining('http'),
      expiresAt: expect.any(String),
    });
    const response = await fetch(signed.url);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('the content\n');
    expect(response.headers.get('content-disposition')).toContain(encodeURIComponent('世界'));
    const { stdout: trail } = await run('audit', id, '--action', 'signed', '--json');
    expect(JSON.parse(trail).events).toHaveLength(1);
    expect(trail).not.toContain('Signature');
  });

  test('is printed alone in text, one a line', async () => {
    const { run, id, secret } = await homeWithAsset(s3);
    const { stdout, stderr } = await run('sign', id, id);
    expect(stderr).not.toContain('error');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(new URL(line).searchParams.get('X-Amz-Expires')).toBe('3600');
    expect(stdout + stderr).not.toContain(secret);
  });

  test('of a public asset is the address behind the CDN, unless something is asked for that only a signature keeps', async () => {
    const { run, id } = await homeWithAsset(s3, { cdn: { domain: 'cdn.example.com' } });
    expect(await run('publish', id)).toMatchObject({ code: 0 });
    const plain = JSON.parse((await run('sign', id, '--json')).stdout);
    expect(plain).toMatchObject({ url: expect.stringContaining('https://cdn.example.com/public/'), expiresAt: null });
    for (const options of [['--no-cdn'], ['--expires-in', '15m'], ['--download-as', 'b.txt'], ['--inline']]) {
      const { url, expiresAt } = JSON.parse((await run('sign', id, '--json', ...options)).stdout);
      expect([options[0], (await fetch(url)).status, typeof expiresAt]).toEqual([options[0], 200, 'string']);
    }
  });

  test('that was changed is refused', async () => {
    const { run, id } = await homeWithAsset(s3);
    const { stdout } = await run('sign', id);
    expect((await fetch(stdout.trim().replace('X-Amz-Expires=3600', 'X-Amz-Expires=7200'))).status).toBe(403);
  });

  test('names a file that is safe to save, whatever name is asked for', async () => {
    const { run, id } = await homeWithAsset(s3);
    const { stdout } = await run('sign', id, '--download-as', '../re\u202eport\n"q".txt');
    const { headers } = await fetch(stdout.trim());
    const name = `.._re_port__q_.txt`;
    expect(headers.get('content-disposition')).toBe(`attachment; filename="${name}"; filename*=UTF-8''${name}`);
    expect(await run('sign', id, '--download-as', ' ')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is empty'),
    });
  });

  test('of too long a life, or of several under one name, is refused', async () => {
    const { run, id } = await homeWithAsset(s3);
    expect((await run('sign', id, '--expires-in', '8d')).code).toBe(2);
    expect((await run('sign', id, id, '--download-as', 'x')).code).toBe(2);
  });
});

test('a URL of a local store is answered by serve; that nothing answers is said', async () => {
  const home = await temporaryDirectory();
  const run = (...args: string[]) => runProgram(home, args, { input: 'the content\n' });
  const uploaded = await run('upload', '-', '--name', NAME, '--json');
  const id: string = JSON.parse(uploaded.stdout).assets[0].id;
  const { url, config } = await servedHome(home);
  const signed = await run('sign', id, '--config', config, '--json');
  expect([signed.code, signed.stderr]).toEqual([0, '']);
  const answer = JSON.parse(signed.stdout);
  expect(answer).toEqual({
    id,
    contentEncoding: null,
    url: expect.stringContaining(`${url}/files/local/`),
    expiresAt: expect.any(String),
  });
  const response = await fetch(answer.url);
  expect([response.status, await response.text()]).toEqual([200, 'the content\n']);
  expect(response.headers.get('content-disposition')).toContain(encodeURIComponent('世界'));
  const { stdout: trail } = await run('audit', id, '--action', 'signed', '--json');
  expect(JSON.parse(trail).events).toHaveLength(1);
  expect(trail).not.toContain('signature');
  expect(statSync(join(home, 'data/asset-cli/signing.keys')).mode & 0o777).toBe(0o600);

  writeFileSync(config, JSON.stringify({ serve: { publicUrl: 'http://127.0.0.1:9' } }), { mode: 0o600 });
  const silent = await run('sign', id, '--config', config);
  expect(silent.code).toBe(0);
  expect(silent.stdout).toMatch(/^http:\/\/127\.0\.0\.1:9\/files\/local\//);
  expect(silent.stderr).toMatch(/^warning: nothing answers to the URLs of backend "local": run asset-cli serve/);
});

await describeWithService('postgres', 'on PostgreSQL a local store', ({ url: adminUrl }) => {
  const databases = postgresDatabases(adminUrl);
  afterAll(() => databases.dropAll());

  test('signs with the configured key alone', async () => {
    const home = await temporaryDirectory();
    const database = await databases.create();
    const args = ['--database', database, '--role', 'operator', '--json'];
    const run = (...more: string[]) => runProgram(home, [...more, ...args], { input: 'the content\n' });
    const uploaded = await run('upload', '-', '--name', 'x.txt');
    const id: string = JSON.parse(uploaded.stdout).assets[0].id;
    const refused = await run('sign', id);
    expect(refused.code).toBe(3);
    expect(JSON.parse(refused.stderr).error).toMatchObject({
      code: 'CANNOT_SIGN',
      message: expect.stringMatching(/serve\.signingKey is not configured.*openssl rand/),
    });
    const config = join(home, 'with-key.json');
    writeFileSync(config, JSON.stringify({ serve: { signingKey: 'k'.repeat(40) } }), { mode: 0o600 });
    const signed = await run('sign', id, '--config', config);
    expect(signed.code).toBe(0);
    expect(new URL(JSON.parse(signed.stdout).url).searchParams.get('key')).toBe(toSigningKey('k'.repeat(40)).id);
    expect(signed.stdout + signed.stderr).not.toContain('k'.repeat(40));
  });
});

/** A server, and the configuration that says where it is. */
async function servedHome(home: string): Promise<{ url: string; config: string }> {
  const child = startProgram(home, ['serve', '--port', '0', '--quiet']);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  if (child.stdout === null) throw new Error('the program has no output');
  const [url] = await once(createInterface({ input: child.stdout }), 'line');
  const config = join(home, 'with-url.json');
  writeFileSync(config, JSON.stringify({ serve: { publicUrl: `${url}/` } }), { mode: 0o600 });
  return { url, config };
}
