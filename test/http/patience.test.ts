import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { exchange, openSocket, received, startServer } from '../support/http-server.ts';

const PACE = { progressBytes: 64 * 1024, progressTimeout: 400 };
/** The server's own timeout is a minute. */
const SOONER_THAN_BY_DEFAULT = 30_000;

/** A catalog that says only after so long whether it is ready. */
function slowly(milliseconds: number): (catalog: Catalog) => Catalog {
  return (catalog) => ({
    ...catalog,
    maintenance: {
      ...catalog.maintenance,
      ready: async () => {
        await sleep(milliseconds);
        return catalog.maintenance.ready();
      },
    },
  });
}

describe('a client', () => {
  test('that waits for a server at work gets its answer, however long that takes', async () => {
    const { port } = await startServer({ limits: PACE, wrapCatalog: slowly(800) });
    const answer = await exchange(port, 'GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('that asks whether the server is ready hears within seconds that its catalog is away', async () => {
    const { request } = await startServer({ wrapCatalog: slowly(5000) });
    const began = performance.now();
    const response = await request('/readyz', { token: null });
    expect(performance.now() - began).toBeLessThan(4000);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await response.json()).toMatchObject({ code: 'TIMEOUT', status: 503 });
  });

  test('that takes its answer too slowly is shown out, and the log has it', async () => {
    const server = await startServer({ maxFileSize: 32 * 2 ** 20, limits: PACE });
    const id = await server.stored(`${'content '.repeat(3 * 2 ** 20)}`);
    const socket = await openSocket(server.port);
    const auth = `Authorization: Bearer ${await server.token()}`;
    socket.pause();
    socket.write(`GET /download/${id} HTTP/1.1\r\nHost: x\r\n${auth}\r\n\r\n`);
    const sooner = { timeout: SOONER_THAN_BY_DEFAULT };
    await expect.poll(() => server.log.at(-1), sooner).toMatchObject({ method: 'GET', aborted: true });
  });

  test('that sends its body too slowly is shown out', async () => {
    const server = await startServer({ limits: PACE });
    const socket = await openSocket(server.port);
    const auth = `Authorization: Bearer ${await server.token()}`;
    const type = 'Content-Type: multipart/form-data; boundary=b';
    socket.write(`POST /upload HTTP/1.1\r\nHost: x\r\n${auth}\r\n${type}\r\nContent-Length: 1000\r\n\r\n`);
    const began = performance.now();
    const dripping = setInterval(() => socket.write('-'), 50);
    await received(socket);
    clearInterval(dripping);
    expect(performance.now() - began).toBeLessThan(SOONER_THAN_BY_DEFAULT);
    await expect.poll(() => server.log.length).toBe(1);
    expect(server.log[0]).toMatchObject({ path: '/upload', aborted: true });
  });
});
