import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { BackendDefinition } from '../../src/storage/definition.ts';
import { openBackend } from '../../src/storage/open.ts';
import { useS3Credentials } from '../support/cloud-stores.ts';

const LONG = 2 * 2 ** 20;
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** The first answer is long and breaks off; those after it are whole. */
async function serveCutThenWhole(page: string): Promise<{ url: string; count: () => number }> {
  let count = 0;
  server = createServer((_, answer) => {
    count += 1;
    if (count === 1) answer.write(`${page}${' '.repeat(LONG)}`, () => answer.destroy());
    else answer.end(page);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, count: () => count };
}

const STORES: [string, string, (url: string) => BackendDefinition][] = [
  [
    'S3',
    '<ListBucketResult></ListBucketResult>',
    (endpoint) => ({ name: 's', provider: 'AWS_S3', bucket: 'b', endpoint, region: 'eu-west-1', forcePathStyle: true }),
  ],
  ['GCS', '{}', (apiEndpoint) => ({ name: 's', provider: 'GOOGLE_CLOUD_STORAGE', bucket: 'b', apiEndpoint })],
  [
    'Azure',
    '<EnumerationResults><Blobs></Blobs></EnumerationResults>',
    (url) => ({
      name: 's',
      provider: 'AZURE_BLOB',
      container: 'b',
      connectionString: `AccountName=account;AccountKey=a2V5;BlobEndpoint=${url}/account`,
    }),
  ],
];

it.each(STORES)(
  'a page of a list that breaks off, however long, is asked for again: %s',
  async (_name, page, define) => {
    useS3Credentials({ url: '', region: '', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' });
    const { url, count } = await serveCutThenWhole(page);
    const store = await openBackend(define(url), { connect: 60_000, deadline: 60_000 });
    const listed: unknown[] = [];
    for await (const object of store.list('')) listed.push(object);
    await store.close();
    expect(listed).toEqual([]);
    expect(count()).toBe(2);
  },
);
