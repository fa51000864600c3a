import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { openBackend } from '../../src/storage/open.ts';

const KEY = parseStorageKey('org/report.csv');
const RANGE = { start: 0, end: 9 };

/** A store that answers every get with the whole object. */
async function openWithoutRanges(size: number) {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  const server = createServer((_, response) => response.setHeader('etag', '"x"').end(Buffer.alloc(size)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const timeouts = { connect: 5000, deadline: 20_000 };
  const definition = {
    name: 's3',
    provider: 'AWS_S3' as const,
    bucket: 'b',
    region: 'r',
    endpoint,
    forcePathStyle: true,
  };
  const backend = await openBackend(definition, timeouts);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await backend.close();
    server.closeAllConnections();
    server.close();
  });
  return backend;
}

describe('a store that answers no ranges', () => {
  it.each([
    ['short', 1000],
    ['long', 3 * 2 ** 20],
  ])('is refused, and no more than was asked for handed on: a %s object', async (_, size) => {
    const backend = await openWithoutRanges(size);
    const part = backend.get(KEY, { range: RANGE }).then(({ body }) => buffer(body));
    await expect(part).rejects.toMatchObject({ kind: 'UNSUPPORTED' });
    expect(await buffer((await backend.get(KEY, {})).body)).toHaveLength(size);
  });
});
