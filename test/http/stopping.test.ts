import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openSocket, received, startServer } from '../support/http-server.ts';

const never = new Promise<never>(() => undefined);

/** A catalog that finds no asset, and never says so. */
function silent(catalog: Catalog): Catalog {
  return { ...catalog, assets: { ...catalog.assets, byIds: () => never } };
}

const INTERRUPTED =
  /^HTTP\/1\.1 503 (?=.*^content-type: application\/problem\+json)(?=.*^retry-after: \d)(?=.*^connection: close).*"code":"INTERRUPTED".*"hint":"Try again\."/ims;

describe('a server that stops', () => {
  test('refuses with a problem what still comes on connections it has', async () => {
    const { port, server } = await startServer();
    const socket = await openSocket(port);
    const answer = received(socket);
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
    await sleep(100);
    const closed = server.close();
    await sleep(100);
    socket.write('\r\n');
    expect(await answer).toMatch(INTERRUPTED);
    await closed;
  });

  test('answers what does not end, and waits no longer for it', async () => {
    const { port, server, token } = await startServer({ wrapCatalog: silent, limits: { grace: 300 } });
    const socket = await openSocket(port);
    const answer = received(socket);
    const path = '/assets/00000000-0000-0000-0000-000000000000';
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await token()}\r\n\r\n`);
    await sleep(200);
    const began = performance.now();
    await server.close();
    expect(performance.now() - began).toBeLessThan(4000);
    expect(await answer).toMatch(INTERRUPTED);
  });

  test('answers a client that is still sending', async () => {
    const { port, server, token } = await startServer({ limits: { grace: 300 } });
    const socket = await openSocket(port);
    const answer = received(socket);
    const type = 'Content-Type: multipart/form-data; boundary=b';
    const auth = `Authorization: Bearer ${await token()}`;
    socket.write(`POST /upload HTTP/1.1\r\nHost: x\r\n${auth}\r\n${type}\r\nContent-Length: 1000\r\n\r\n--b`);
    await sleep(200);
    await server.close();
    expect(await answer).toMatch(INTERRUPTED);
  });
});
