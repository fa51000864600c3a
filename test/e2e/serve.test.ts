import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test, vi } from 'vitest';
import { finished, type ProgramResult, runProgram, startProgram } from '../support/program.ts';
import { temporaryDirectory } from '../support/workspace.ts';

/** The program as it serves, until the test ends or ends it. */
async function serve(
  home: string,
  ...args: string[]
): Promise<{ child: ChildProcess; url: string; end: Promise<ProgramResult> }> {
  const child = startProgram(home, ['serve', '--port', '0', ...args]);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const end = finished(child);
  if (child.stdout === null) throw new Error('the program has no output');
  const [url] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    end.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
  return { child, url, end };
}

async function newToken(home: string, ...args: string[]): Promise<string> {
  const { stdout } = await runProgram(home, ['token', 'create', ...args]);
  return stdout.trim();
}

async function upload(url: string, token: string): Promise<Response> {
  const body = new FormData();
  body.set('file', new Blob(['the content\n']), 'report.txt');
  body.set('asset_type', 'SEO_REPORT');
  return fetch(`${url}/upload`, { method: 'POST', body, headers: { authorization: `Bearer ${token}` } });
}

test('the program serves, logs to stderr, and ends by a signal', async () => {
  const home = await temporaryDirectory();
  const token = await newToken(home, '--for-user', 'ada');
  const { child, url, end } = await serve(home);
  const response = await upload(url, token);
  expect(response.status).toBe(201);
  const { data } = JSON.parse(await response.text());
  // What was uploaded over HTTP is there for every other command at once.
  const { stdout } = await runProgram(home, ['show', data.id, '--history', '--json']);
  const shown = JSON.parse(stdout);
  expect(shown).toMatchObject({ originalFilename: 'report.txt', userId: 'ada', assetType: 'SEO_REPORT' });
  expect(shown.history[0]).toMatchObject({
    action: 'uploaded',
    actor: 'ada',
    correlationId: response.headers.get('x-request-id'),
  });
  child.kill('SIGTERM');
  const { code, stderr } = await end;
  expect(code).toBe(143);
  const lines = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines[0]).toMatchObject({
    method: 'POST',
    path: '/upload',
    status: 201,
    requestId: response.headers.get('x-request-id'),
  });
  expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'stopping' });
  expect(stderr).not.toContain(token);
});

async function signedUrl(url: string, token: string): Promise<string> {
  const { data } = JSON.parse(await (await upload(url, token)).text());
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/assets/${data.id}/sign`, { method: 'POST', headers });
  return JSON.parse(await response.text()).data.url;
}

test('a server signs with its own address, unless another is configured', async () => {
  const home = await temporaryDirectory();
  const token = await newToken(home);
  const own = await serve(home);
  const signed = await signedUrl(own.url, token);
  expect(signed.slice(0, own.url.length + 7)).toBe(`${own.url}/files/`);
  expect(await (await fetch(signed)).text()).toBe('the content\n');
  own.child.kill('SIGTERM');
  expect((await own.end).stderr).not.toContain('publicUrl');
  const config = join(home, 'public.json');
  writeFileSync(config, JSON.stringify({ serve: { publicUrl: 'https://files.example.com/' } }), { mode: 0o600 });
  const named = await serve(home, '--host', '0.0.0.0', '--config', config);
  expect(await signedUrl(named.url, token)).toMatch(/^https:\/\/files\.example\.com\/files\//);
  named.child.kill('SIGTERM');
  expect((await named.end).stderr).not.toContain('publicUrl');
});

test.each([['--host', '0.0.0.0'], ['--trust-proxy']])(
  'a server at %s warns that its signed URLs lead nobody else to it',
  async (...args) => {
    const { child, url, end } = await serve(await temporaryDirectory(), ...args);
    child.kill('SIGTERM');
    const [first = ''] = (await end).stderr.split('\n');
    expect(JSON.parse(first)).toMatchObject({
      level: 'warning',
      message: expect.stringContaining(`begin with ${url}: set serve.publicUrl`),
    });
  },
);

test('a token that was revoked elsewhere ends at once', async () => {
  const home = await temporaryDirectory();
  const token = await newToken(home);
  const { url } = await serve(home, '--quiet');
  expect((await upload(url, token)).status).toBe(201);
  const { stdout } = await runProgram(home, ['token', 'list', '--json']);
  await runProgram(home, ['token', 'revoke', JSON.parse(stdout).tokens[0].id]);
  expect((await upload(url, token)).status).toBe(401);
});

test('every line on stderr is JSON, also of what happens to the file of signing keys', async () => {
  const home = await temporaryDirectory();
  const token = await newToken(home);
  const { child, url, end } = await serve(home);
  const signed = await signedUrl(url, token);
  chmodSync(join(home, 'data/asset-cli/signing.keys'), 0o644);
  const lines = () => log.trimEnd().split('\n');
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  // It is looked at again after a while.
  await vi.waitUntil(async () => (await fetch(signed)).ok && log.includes('open to other users'), 20_000);
  child.kill('SIGTERM');
  await end;
  expect(lines().map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ level: 'warning', message: expect.stringContaining('open to other users') }),
  );
});

test('a port that is taken is told', async () => {
  const home = await temporaryDirectory();
  const { url } = await serve(home);
  const { code, stderr } = await runProgram(home, ['serve', '--port', new URL(url).port, '--json']);
  expect(code).toBe(8);
  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('EADDRINUSE'),
  });
});

test('a host that does not exist is told, and not as a port that is taken', async () => {
  const { code, stderr } = await runProgram(await temporaryDirectory(), ['serve', '--host', 'host.invalid', '--json']);
  expect(code).toBe(8);
  expect(JSON.parse(stderr).error.hint).toMatch(/--host/);
  expect(JSON.parse(stderr).error.hint).not.toMatch(/--port|listens there/);
});
