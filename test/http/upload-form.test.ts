import { pbkdf2 } from 'node:crypto';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { receiveForm } from '../../src/http/upload-form.ts';
import { exchange, startServer, type TestServer } from '../support/http-server.ts';
import { createWorkspace } from '../support/workspace.ts';

const derive = promisify(pbkdf2);
const THREADS = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);

async function head(server: TestServer, boundary: string, length: number): Promise<string> {
  return [
    'POST /upload HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${await server.token()}`,
    `Content-Type: multipart/form-data; boundary=${boundary}`,
    `Content-Length: ${length}`,
    'Connection: close',
    '',
    '',
  ].join('\r\n');
}

test('a form that breaks off while its file is written leaves no write to whoever opens the next file', async () => {
  const workspace = await createWorkspace();
  const { rules } = workspace.context();
  const raw = Object.assign(new PassThrough({ highWaterMark: 2 ** 20 }), { complete: false });
  const headers = { 'content-type': 'multipart/form-data; boundary=edge' };
  const received = receiveForm({ headers, raw }, { rules, directory: workspace.directory });
  // The write waits for a thread.
  const busy = Promise.all(Array.from({ length: THREADS }, () => derive('', '', 200_000, 32, 'sha512')));
  raw.write('--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n');
  raw.write('content '.repeat(2 ** 16));
  setImmediate(() => raw.destroy());
  await expect(received).rejects.toMatchObject({ code: 'USAGE' });
  const others = Array.from({ length: 20 }, (_, index) => openSync(join(workspace.directory, `other-${index}`), 'w+'));
  await busy;
  // Whatever was waiting is written by now.
  await stat(workspace.directory);
  expect(others.map((other) => fstatSync(other).size)).toEqual(others.map(() => 0));
  for (const other of others) closeSync(other);
});

test.each([
  ['b'.repeat(70), 201],
  ['b'.repeat(71), 400],
])('the boundary %s is answered with %i', async (boundary, status) => {
  const server = await startServer();
  const disposition = 'Content-Disposition: form-data; name="file"; filename="a.txt"';
  const body = `--${boundary}\r\n${disposition}\r\n\r\ncontent\r\n--${boundary}--\r\n`;
  const answer = await exchange(server.port, (await head(server, boundary, body.length)) + body);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});
