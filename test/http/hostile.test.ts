import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { exchange, jsonOf, openSocket, received, startServer, type TestServer } from '../support/http-server.ts';

const BOUNDARY = 'cut-here';

/** A form as a client writes it, byte for byte. */
function form(content: string, disposition = 'form-data; name="file"; filename="a.txt"'): string {
  return [
    `--${BOUNDARY}`,
    `Content-Disposition: ${disposition}`,
    'Content-Type: text/plain',
    '',
    content,
    `--${BOUNDARY}--`,
    '',
  ].join('\r\n');
}

async function head(server: TestServer, length: number | string): Promise<string> {
  return [
    'POST /upload HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${await server.token()}`,
    `Content-Type: multipart/form-data; boundary=${BOUNDARY}`,
    typeof length === 'number' ? `Content-Length: ${length}` : `Transfer-Encoding: ${length}`,
    'Connection: close',
    '',
    '',
  ].join('\r\n');
}

async function nothingStored({ workspace }: TestServer): Promise<void> {
  expect(await workspace.storedFiles().catch(() => [])).toEqual([]);
  const catalog = await workspace.catalog();
  expect((await catalog.maintenance.status()).assets).toMatchObject({ active: 0 });
}

describe('an upload that is not what it says', () => {
  test('is stored when it is whole', async () => {
    const server = await startServer();
    const body = form('content');
    expect(await exchange(server.port, (await head(server, body.length)) + body)).toMatch(/^HTTP\/1\.1 201 /);
  });

  test.each([
    ['in the middle of the file', form('content').split('tent')[0] ?? ''],
    ['before the last boundary', form('content').slice(0, -18)],
    ['in the headers of a part', form('content').slice(0, 40)],
    ['at once', ''],
  ])('leaves nothing when the form ends %s', async (_where, body) => {
    const server = await startServer();
    const answer = await exchange(server.port, (await head(server, body.length)) + body);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":');
    await nothingStored(server);
  });

  test('takes as long in the log and in the metrics as it took', async () => {
    const server = await startServer();
    const body = form('content');
    const socket = await openSocket(server.port);
    socket.write((await head(server, body.length)) + body.slice(0, 50));
    await sleep(300);
    const answer = received(socket);
    socket.write(body.slice(50));
    expect(await answer).toMatch(/^HTTP\/1\.1 201 /);
    await expect.poll(() => server.log).toMatchObject([{ path: '/upload', milliseconds: expect.any(Number) }]);
    const [entry] = server.log;
    expect(entry?.['milliseconds']).toBeGreaterThan(290);
    expect(entry?.['milliseconds']).toBeLessThan(5000);
    const metrics = await (await server.request('/metrics', { token: null })).text();
    const [, seconds] = /duration_seconds_sum\{method="POST",route="\/upload"\} (\S+)/.exec(metrics) ?? [];
    expect(Number(seconds) * 1000).toBeCloseTo(Number(entry?.['milliseconds']), 0);
  });

  test('leaves nothing when the connection ends before the declared length', async () => {
    const server = await startServer();
    const body = form('content'.repeat(100_000));
    const socket = await openSocket(server.port);
    socket.write((await head(server, body.length)) + body.slice(0, body.length / 2));
    await sleep(100);
    socket.destroy();
    await expect.poll(() => server.log.map((entry) => entry['aborted'])).toEqual([true]);
    await nothingStored(server);
    expect((await server.request('/healthz')).status).toBe(200);
  });

  test('counts as far as it was declared, and no further', async () => {
    const server = await startServer();
    const body = form('content');
    const more = `${await head(server, body.length)}${body}GARBAGE behind the body\r\n\r\n`;
    // What follows is no request: it may cost the answer, but never gets one of its own.
    const answer = await exchange(server.port, more);
    expect(answer).toMatch(/^HTTP\/1\.1 (201|400) /);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    const chunked = `${await head(server, 'chunked')}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    expect(await exchange(server.port, chunked)).toMatch(/^HTTP\/1\.1 201 /);
    const broken = `${await head(server, 'chunked')}XYZ\r\n${body}\r\n0\r\n\r\n`;
    expect(await exchange(server.port, broken)).toMatch(/^HTTP\/1\.1 400 /);
    const both = (await head(server, body.length)).replace('Host: x', 'Host: x\r\nTransfer-Encoding: chunked');
    expect(await exchange(server.port, both + body)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('is refused by its length before it is read', async () => {
    const server = await startServer();
    const answer = await exchange(server.port, await head(server, 10 ** 12), /\}$/);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('FILE_TOO_LARGE');
  });

  test('is refused while it comes, if it never says how much it will be', async () => {
    const server = await startServer();
    const socket = await openSocket(server.port);
    const answer = received(socket, /\}$/);
    const [begin = ''] = form('').split('\r\n\r\n');
    socket.write(`${await head(server, 'chunked')}${(begin.length + 4).toString(16)}\r\n${begin}\r\n\r\n\r\n`);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    for (let count = 0; count < 24 && socket.writable; count += 1) socket.write(chunk);
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /);
    await nothingStored(server);
  });
});

describe('a file name', () => {
  test.each([
    ['../../etc/passwd.txt', 'passwd.txt'],
    ['a\r\nSet-Cookie: x=1\r\n\r\n.txt', undefined],
    ['a"; filename="b.txt', undefined],
    ["a';\u202Egnp.txt", undefined],
    ['..\\..\\windows\\a.txt', undefined],
    [`${'n'.repeat(2000)}.txt`, undefined],
  ])('%j is never more than a name', async (name, kept) => {
    const server = await startServer();
    const response = await server.upload('content', { name });
    if (response.status === 400) return;
    expect(response.status).toBe(201);
    const { data } = await jsonOf(response);
    if (kept !== undefined) expect(data.filename).toBe(kept);
    const raw = await exchange(
      server.port,
      `GET /download/${data.id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await server.token()}\r\nConnection: close\r\n\r\n`,
    );
    const [headers = '', body] = raw.split('\r\n\r\n');
    expect(body).toBe('content');
    expect(headers).not.toMatch(/^set-cookie/im);
    const [, disposition = ''] = /^content-disposition: (.*)$/im.exec(headers) ?? [];
    expect(disposition).toMatch(/^attachment; filename="[^"\\\r\n/]*"; filename\*=UTF-8''[A-Za-z0-9._~%-]*$/);
    expect(decodeURIComponent(disposition.split("''")[1] ?? '')).not.toMatch(/[/\\\r\n\u202E]/);
    expect((await server.workspace.storedFiles()).every((path) => path.startsWith('acme/'))).toBe(true);
  });

  test.each([
    [`filename="a %22b%22 100%25.txt"`, 'a "b" 100%25.txt'],
    [`filename="x.txt"; filename*=UTF-8''100%2522%20b.txt`, '100%22 b.txt'],
  ])('%s is kept as %j', async (parameters, filename) => {
    const server = await startServer();
    const body = form('content', `form-data; name="file"; ${parameters}`);
    const answer = await exchange(server.port, (await head(server, body.length)) + body);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ data: { filename } });
  });

  test('in other bytes than UTF-8 is refused', async () => {
    const server = await startServer();
    const body = Buffer.from(form('content', 'form-data; name="file"; filename="\xdcbersicht.txt"'), 'latin1');
    const answer = await exchange(server.port, Buffer.concat([Buffer.from(await head(server, body.length)), body]));
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*not valid UTF-8/);
  });

  test('written raw into the form cannot add a header either', async () => {
    const server = await startServer();
    const body = form('content', 'form-data; name="file"; filename="a\tb\\"c\x01.txt"');
    const answer = await exchange(server.port, (await head(server, body.length)) + body);
    expect(answer).toMatch(/^HTTP\/1\.1 (201|400) /);
  });
});

test('a field that comes as JSON is refused in words that fit', async () => {
  const server = await startServer();
  const field = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="is_public"\r\nContent-Type: application/json\r\n\r\ntrue\r\n`;
  const body = field + form('content');
  const answer = await exchange(server.port, (await head(server, body.length)) + body);
  expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*is_public is not plain text/);
});

test.each([
  '/../../etc/passwd',
  '/download/../../etc/passwd',
  '/download/..%2f..%2f..%2fetc%2fpasswd',
  '/download/%2e%2e/%2e%2e/etc/passwd',
  '/download/..%5c..%5cetc',
  '/download/%252e%252e%252f',
  '/download/%00',
  '/download/%',
  '/download/%ff%fe',
  '/download/\u00e9',
  '/download//etc/passwd',
  `/download/${'a'.repeat(5000)}`,
  `/${'a/'.repeat(3000)}`,
  '//etc/passwd',
  '/assets/%0d%0aSet-Cookie:%20x=1',
  'http://elsewhere.example/download/x',
])('the path %j leads nowhere', async (path) => {
  const server = await startServer();
  const auth = `Authorization: Bearer ${await server.token()}`;
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n${auth}\r\nConnection: close\r\n\r\n`, 'latin1');
  const answer = await exchange(server.port, request);
  expect(answer).toMatch(/^HTTP\/1\.1 (400|404|414) /);
  expect(answer).not.toMatch(/^set-cookie/im);
  expect(answer).not.toContain('root:');
});

test.each([
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['headers that are too large', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
  ['a header with a control character', 'GET / HTTP/1.1\r\nHost: x\r\nX: \x01\r\n\r\n', 400],
  ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
])('%s is answered and the connection closed', async (_what, text, status) => {
  const { port } = await startServer();
  expect(await exchange(port, text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});

test.each([
  ['a path that is no URL', 'GET /download/% HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
  ['an id without an end', `GET /download/${'a'.repeat(5000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 414],
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['no host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['a strange wish', 'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: money\r\nConnection: close\r\n\r\n', 417],
])('%s is a problem with an id, which the log has', async (_what, text, status) => {
  const { port, log } = await startServer();
  const answer = await exchange(port, text);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toMatch(/^content-type: application\/problem\+json/im);
  expect(answer).toMatch(/^x-content-type-options: nosniff/im);
  const [, requestId] = /^x-request-id: (\S+)/im.exec(answer) ?? [];
  expect(answer).toContain(`"request_id":"${requestId}"`);
  await expect.poll(() => log).toMatchObject([{ requestId, status }]);
});

describe('slow clients', () => {
  test('by the thousand keep nobody else waiting, and are shown out', async () => {
    const server = await startServer({ limits: { headersTimeout: 3000 } });
    const sockets = await Promise.all(Array.from({ length: 1000 }, () => openSocket(server.port)));
    for (const [index, socket] of sockets.entries())
      socket.write(index % 2 === 0 ? 'GET / HT' : 'POST /upload HTTP/1.1\r\nHost: x\r\n');
    const began = performance.now();
    expect(await server.stored('content')).toMatch(/^[0-9a-f-]{36}$/);
    expect(performance.now() - began).toBeLessThan(2500);
    const closed = sockets.map(async (socket) => {
      socket.resume();
      if (!socket.closed) await once(socket, 'close');
    });
    await Promise.all(closed);
    // Sooner than Node's own limit of a minute would do it.
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  test('of a body end after a while without progress', async () => {
    const server = await startServer({ limits: { progressTimeout: 500 } });
    const body = form('content');
    const socket = await openSocket(server.port);
    socket.write((await head(server, body.length)) + body.slice(0, 20));
    const began = performance.now();
    await received(socket);
    expect(performance.now() - began).toBeLessThan(10_000);
    await nothingStored(server);
  });
});

describe('a server that is told to stop', () => {
  test('finishes what is under way, and takes nothing new', async () => {
    const server = await startServer();
    const body = form('content');
    const socket = await openSocket(server.port);
    socket.write((await head(server, body.length)) + body.slice(0, 50));
    const answer = received(socket);
    await sleep(100);
    const closed = server.server.close();
    await sleep(100);
    await expect(openSocket(server.port)).rejects.toThrow();
    socket.write(body.slice(50));
    expect(await answer).toMatch(/^HTTP\/1\.1 201 /);
    await closed;
  });

  test('waits no longer than it says', async () => {
    const server = await startServer({ limits: { grace: 300 } });
    const socket = await openSocket(server.port);
    socket.write((await head(server, 1000)) + form('content').slice(0, 50));
    await sleep(100);
    const began = performance.now();
    await server.server.close();
    expect(performance.now() - began).toBeLessThan(5000);
    await nothingStored(server);
  });
});
