import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { exchange, openSocket, received, startServer, type TestServer } from '../support/http-server.ts';

const TYPE = 'Content-Type: multipart/form-data; boundary=b';
const FORM = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ncontent\r\n--b--\r\n';

function upload(token: string, ...headers: string[]): string {
  const lines = ['POST /upload HTTP/1.1', 'Host: x', `Authorization: Bearer ${token}`, TYPE, ...headers];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

async function tokenOf(server: TestServer, isGood: boolean): Promise<string> {
  return isGood ? server.token() : `astk_${'x'.repeat(43)}`;
}

describe('a body that was refused', () => {
  test.each([
    ['for its length', true, 413],
    ['for its token', false, 401],
  ])('%s ends the connection with the answer', async (_why, isGood, status) => {
    const server = await startServer();
    // Ends only when the server ends it.
    const answer = await exchange(server.port, upload(await tokenOf(server, isGood), `Content-Length: ${10 ** 9}`));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/^connection: close/im);
  });

  test.each([
    ['for its length', true, 10 ** 9, 413],
    ['for its token', false, 1000, 401],
  ])('%s is not asked for', async (_why, isGood, length, status) => {
    const server = await startServer();
    const headers = [`Content-Length: ${length}`, 'Expect: 100-continue'];
    const answer = await exchange(server.port, upload(await tokenOf(server, isGood), ...headers));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test('and is short is heard out, and the connection goes on', async () => {
    const server = await startServer();
    const socket = await openSocket(server.port);
    const answer = received(socket, /\}$/);
    socket.write(upload(await tokenOf(server, false), 'Content-Length: 100000'));
    for (let count = 0; count < 10; count += 1) {
      await sleep(10);
      socket.write('x'.repeat(10_000));
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 401 /);
    const next = received(socket, /\}$/);
    socket.write(upload(await server.token(), `Content-Length: ${FORM.length}`) + FORM);
    expect(await next).toMatch(/^HTTP\/1\.1 201 /);
  });

  test('and is short but never ends is answered all the same', async () => {
    const server = await startServer();
    const answer = await exchange(server.port, upload(await tokenOf(server, false), 'Content-Length: 1000'));
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).toMatch(/^connection: close/im);
  });

  test('is one whose envelope alone is larger than a file', async () => {
    const server = await startServer();
    const socket = await openSocket(server.port);
    const answer = received(socket, /\}$/);
    socket.write(upload(await server.token(), 'Transfer-Encoding: chunked'));
    // No boundary: for the parser of forms all of this comes before the first part.
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    for (let count = 0; count < 24 && socket.writable; count += 1) socket.write(chunk);
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /);
  });
});

test('a body that is wanted is asked for', async () => {
  const server = await startServer();
  const socket = await openSocket(server.port);
  const answer = received(socket, /\}$/);
  socket.once('data', () => socket.write(FORM));
  socket.write(upload(await server.token(), `Content-Length: ${FORM.length}`, 'Expect: 100-continue'));
  expect(await answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
});
