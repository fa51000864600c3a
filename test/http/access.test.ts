import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { revokeTokens } from '../../src/operations/tokens/tokens.ts';
import { exchange, jsonOf, openSocket, startServer, type TestServer } from '../support/http-server.ts';

/** A catalog that finds no asset, and never says so. */
function silently(onAsked: () => void): (catalog: Catalog) => Catalog {
  const byIds = () => {
    onAsked();
    return new Promise<never>(() => undefined);
  };
  return (catalog) => ({ ...catalog, assets: { ...catalog.assets, byIds } });
}

async function revokeAll({ workspace }: TestServer): Promise<void> {
  const catalog = await workspace.catalog();
  const all = await catalog.tokens.list({ scope: { allOrganizations: true } }, 100);
  for await (const outcome of revokeTokens(
    workspace.context(),
    all.map(({ id }) => id),
  )) {
    if (outcome.kind === 'failed') throw outcome.error;
  }
}

describe('a token', () => {
  test('is needed, and comes as a bearer alone', async () => {
    const server = await startServer();
    const secret = await server.token();
    const paths = ['/', '/assets/x', '/download/x'];
    for (const path of paths) {
      const bare = await server.request(path, { token: null });
      expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="asset-cli"']);
      const inUrl = await server.request(`${path}?token=${secret}&access_token=${secret}`, { token: null });
      expect(inUrl.status).toBe(401);
      const basic = { authorization: `Basic ${Buffer.from(`x:${secret}`).toString('base64')}` };
      expect((await server.request(path, { token: null, headers: basic })).status).toBe(401);
    }
    expect((await server.request('/upload', { method: 'POST', token: null })).status).toBe(401);
    expect((await server.request('/', { token: `astk_${'x'.repeat(43)}` })).status).toBe(401);
    expect((await server.request('/', { token: 'x' })).status).toBe(401);
    expect(JSON.stringify(server.log)).not.toContain(secret);
  });

  test('that has expired or was revoked ends at the next request', async () => {
    const server = await startServer();
    const short = await server.token({}, { expiresInSeconds: 3600 });
    expect((await server.request('/', { token: short })).status).toBe(200);
    const long = await server.token();
    expect((await server.request('/', { token: long })).status).toBe(200);
    await revokeAll(server);
    const refused = await server.request('/', { token: long });
    expect([refused.status, (await jsonOf(refused)).detail]).toEqual([401, 'The token was revoked']);
    const other = await startServer();
    const brief = await other.token({}, { expiresInSeconds: 1 });
    await sleep(1100);
    const expired = await other.request('/', { token: brief });
    expect([expired.status, (await jsonOf(expired)).detail]).toEqual([401, 'The token has expired']);
  });

  test('does what its scope says, and no more', async () => {
    const { token, request, upload, stored } = await startServer();
    const id = await stored('content');
    const reading = await token({}, { scope: ['read'] });
    expect((await request(`/download/${id}`, { token: reading })).status).toBe(200);
    expect((await upload('more', { token: reading })).status).toBe(403);
    expect((await request(`/assets/${id}`, { method: 'DELETE', token: reading })).status).toBe(403);
    const writing = await token({}, { scope: ['write'] });
    expect((await upload('more', { token: writing })).status).toBe(201);
    expect((await request('/', { token: writing })).status).toBe(403);
  });

  test("of another organisation finds nothing, an operator's finds all", async () => {
    const { token, request, stored } = await startServer();
    const id = await stored('content');
    const foreign = await token({ organization: 'other', role: 'admin' });
    for (const [path, method] of [
      [`/assets/${id}`, 'GET'],
      [`/assets/${id}`, 'DELETE'],
      [`/download/${id}`, 'GET'],
      [`/assets/${id}/sign`, 'POST'],
    ] as const) {
      const response = await request(path, { method, token: foreign });
      expect([path, response.status, (await jsonOf(response)).code]).toEqual([path, 404, 'ASSET_NOT_FOUND']);
    }
    const operator = await token({ organization: 'other', role: 'operator' });
    expect((await request(`/assets/${id}`, { token: operator })).status).toBe(200);
  });

  test('says in its list when it was used last', async () => {
    const { workspace, request, server } = await startServer();
    await request('/');
    await server.close();
    const catalog = await workspace.catalog();
    const [used] = await catalog.tokens.list({ scope: { allOrganizations: true } }, 1);
    expect(used?.lastUsedAt).toMatch(/Z$/);
  });
});

describe('the rate limit', () => {
  test('counts each token, and each address without one, bad tokens too', async () => {
    const { request, token } = await startServer({ serving: { rateLimit: 3 } });
    const ada = await token();
    const bob = await token({ user: 'bob' });
    const statuses = async (secret: string | null) => {
      const seen: number[] = [];
      for (let count = 0; count < 4; count += 1) seen.push((await request('/', { token: secret })).status);
      return seen;
    };
    expect(await statuses(ada)).toEqual([200, 200, 200, 429]);
    expect(await statuses(bob)).toEqual([200, 200, 200, 429]);
    expect(await statuses(`astk_${'x'.repeat(43)}`)).toEqual([401, 401, 401, 429]);
    const limited = await request('/', { token: ada });
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await jsonOf(limited)).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
  });

  test('believes the address that a trusted proxy names, and nobody else', async () => {
    for (const [proxies, expected] of [
      [0, 429],
      [1, 200],
    ] as const) {
      const { url } = await startServer({ serving: { rateLimit: 1 }, proxies });
      const from = (address: string) => fetch(`${url}/openapi.json`, { headers: { 'x-forwarded-for': address } });
      expect((await from('10.0.0.1')).status).toBe(200);
      expect((await from('10.0.0.2')).status).toBe(expected);
      expect((await from('1.2.3.4, 10.0.0.1')).status).toBe(429);
    }
  });
});

test.each(['/healthz', '/readyz'])('%s is answered however often it is asked', async (path) => {
  const { request } = await startServer({ serving: { rateLimit: 1 } });
  for (let count = 0; count < 3; count += 1) expect((await request(path, { token: null })).status).toBe(200);
});

test('paths that do not exist count as requests', async () => {
  const { request } = await startServer({ serving: { rateLimit: 2 } });
  const statuses: number[] = [];
  for (let count = 0; count < 3; count += 1) statuses.push((await request('/wp-admin', { token: null })).status);
  expect(statuses).toEqual([404, 404, 429]);
});

test('the log tells of a client that went away unanswered where it came from, and that nothing was sent', async () => {
  let isAsked = false;
  const wrapCatalog = silently(() => {
    isAsked = true;
  });
  const server = await startServer({ wrapCatalog, limits: { grace: 100 } });
  const socket = await openSocket(server.port);
  const path = '/assets/00000000-0000-0000-0000-000000000000';
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await server.token()}\r\n\r\n`);
  await expect.poll(() => isAsked).toBe(true);
  socket.destroy();
  await expect.poll(() => server.log.length).toBe(1);
  expect(server.log[0]).toMatchObject({ path, status: 499, bytes: 0, address: '127.0.0.1', aborted: true });
  const metrics = await server.request('/metrics', { token: null });
  expect(await metrics.text()).toContain('route="/assets/:id",status="499"} 1');
});

test('the log counts the bytes that were sent of an answer, not those that were promised', async () => {
  const server = await startServer({ maxFileSize: 2 ** 26 });
  const size = 6 * 2 ** 23;
  const id = await server.stored('content '.repeat(size / 8));
  const socket = await openSocket(server.port);
  socket.write(`GET /download/${id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await server.token()}\r\n\r\n`);
  await once(socket, 'data');
  socket.destroy();
  await expect.poll(() => server.log.at(-1)).toMatchObject({ method: 'GET', status: 200, aborted: true });
  const bytes = Number(server.log.at(-1)?.['bytes']);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(size / 2);
});

test('metrics are for programs of this machine, and for operators', async () => {
  const { request, token } = await startServer();
  const forwarded = { headers: { 'x-forwarded-for': '10.0.0.1' } };
  await request('/healthz');
  const local = await request('/metrics', { token: null });
  expect(local.status).toBe(200);
  expect(await local.text()).toContain('asset_cli_http_requests_total{method="GET",route="/healthz",status="200"} 1');
  expect((await request('/metrics', { token: null, ...forwarded })).status).toBe(401);
  expect((await request('/metrics', { token: await token(), ...forwarded })).status).toBe(403);
  expect((await request('/metrics', { token: await token({ role: 'operator' }), ...forwarded })).status).toBe(200);
});

test.each([
  ['localhost:8080', 0, 200],
  ['[::1]', 0, 200],
  ['127.0.0.1', 1, 401],
  ['evil.example', 0, 401],
  ['127.0.0.1.evil.example', 0, 401],
])('metrics at the host %s, behind %i proxies, without a token: %i', async (host, proxies, status) => {
  const { port } = await startServer({ proxies });
  const answer = await exchange(port, `GET /metrics HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});

test('another site may ask only if the configuration names it', async () => {
  const origin = 'https://app.example.com';
  const headers = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' };
  const closed = await startServer();
  const refused = await closed.request('/', { method: 'OPTIONS', headers, token: null });
  expect(refused.headers.get('access-control-allow-origin')).toBeNull();
  const open = await startServer({ serving: { corsOrigins: [origin] } });
  const allowed = await open.request('/', { method: 'OPTIONS', headers, token: null });
  expect(allowed.headers.get('access-control-allow-origin')).toBe(origin);
  expect(
    (await open.request('/', { headers: { origin: 'https://evil.example' } })).headers.get(
      'access-control-allow-origin',
    ),
  ).not.toBe('https://evil.example');
});

test('the log has a line for each request, without queries and secrets', async () => {
  const server = await startServer();
  const { log, request, token } = server;
  const secret = await token();
  const response = await request(`/?cursor=secret-${secret}`, { token: secret });
  await expect.poll(() => log.length).toBeGreaterThan(0);
  expect(log[0]).toMatchObject({
    requestId: response.headers.get('x-request-id'),
    method: 'GET',
    path: '/',
    status: 400,
    user: 'ada',
    organization: 'acme',
    address: '127.0.0.1',
  });
  await request(`/${secret}`);
  await expect.poll(() => log.length).toBeGreaterThan(1);
  expect(JSON.stringify(log)).not.toContain(secret);
});

test('wrong paths and methods are told', async () => {
  const { request } = await startServer();
  expect((await request('/nothing/here')).status).toBe(404);
  const wrong = await request('/upload');
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
  expect((await request('/healthz', { token: null })).status).toBe(200);
  expect((await request('/readyz', { token: null })).status).toBe(200);
});
