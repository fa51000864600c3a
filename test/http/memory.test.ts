import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { openSocket, startServer } from '../support/http-server.ts';

const READERS = 60;
const MOST_BYTES_EACH = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

test('readers that take nothing hold little of the memory', async () => {
  const server = await startServer({ maxFileSize: 2 ** 26, content: { compress: false } });
  const id = await server.stored('content '.repeat(6 * 2 ** 20));
  const request = `GET /download/${id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await server.token()}\r\n\r\n`;
  const before = heldBytes();
  for (let count = 0; count < READERS; count += 1) {
    const socket = await openSocket(server.port);
    socket.pause();
    socket.write(request);
  }
  await sleep(2000);
  const each = (heldBytes() - before) / READERS;
  expect(each).toBeLessThan(MOST_BYTES_EACH);
});
