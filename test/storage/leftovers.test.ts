import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { openAzureBackend } from '../../src/storage/azure/azure-backend.ts';
import { createAzureCaller } from '../../src/storage/azure/client.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { createS3Caller } from '../../src/storage/s3/client.ts';
import { openS3Backend } from '../../src/storage/s3/s3-backend.ts';
import { collect, failingBody, memoryBody } from '../support/bodies.ts';
import { azureDefinition, s3Definition, TIMEOUTS, useS3Credentials } from '../support/cloud-stores.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { createBucket, describeWithService } from '../support/services/index.ts';

const SOON = () => new Date(Date.now() + 3_600_000);
const LONG_AGO = new Date('2001-01-01');

/** What a host leaves behind that dies in the middle of an upload. */
function describeLeftovers(start: () => Promise<{ store: StorageBackend; leave(name: string): Promise<void> }>): void {
  let store: StorageBackend;
  let leave: (name: string) => Promise<void>;
  beforeAll(async () => {
    ({ store, leave } = await start());
  });
  afterAll(() => store?.close());

  it('is found once it is old, within the prefix, and discarded; it is never an object', async () => {
    await leave('some/prefix/org/left behind');
    await leave("elsewhere/another's");
    expect(await collect(store.list(''))).toEqual([]);
    expect(await collect(store.abandonedUploads?.(LONG_AGO))).toEqual([]);
    const found = await collect(store.abandonedUploads?.(SOON()));
    expect(found.map((upload) => upload.key)).toEqual(['org/left behind']);
    await found[0]?.discard();
    await found[0]?.discard();
    expect(await collect(store.abandonedUploads?.(SOON()))).toEqual([]);
    expect(await collect(store.list(''))).toEqual([]);
  });
}

await describeWithService('s3', 'an unfinished multipart upload', (s3) =>
  describeLeftovers(async () => {
    useS3Credentials(s3);
    const definition = s3Definition(s3, await createBucket('s3'), 'some/prefix');
    const caller = createS3Caller(definition, TIMEOUTS);
    return {
      store: openS3Backend(definition, TIMEOUTS),
      leave: async (name) => {
        const answer = await caller.call({ method: 'POST', name, query: { uploads: '' } });
        await answer.body.dump();
      },
    };
  }),
);

await describeWithService('azure', 'blocks without a blob', (azure) => {
  describeLeftovers(async () => {
    const definition = azureDefinition(azure, await createBucket('azure'), 'some/prefix');
    const caller = createAzureCaller(definition, TIMEOUTS);
    return {
      store: openAzureBackend(definition, TIMEOUTS),
      leave: async (name) => {
        const query = { comp: 'block', blockid: Buffer.from('00000001').toString('base64') };
        const answer = await caller.call({ method: 'PUT', name, query, body: Buffer.from('half') });
        await answer.body.dump();
      },
    };
  });

  it('are dropped without touching a blob that stands there', async () => {
    const definition = azureDefinition(azure, await createBucket('azure'));
    const store = openAzureBackend(definition, TIMEOUTS);
    const caller = createAzureCaller(definition, TIMEOUTS);
    const empty = parseStorageKey('org/empty');
    await store.put(empty, memoryBody(''));
    const query = { comp: 'block', blockid: Buffer.from('00000001').toString('base64') };
    await (await caller.call({ method: 'PUT', name: empty, query, body: Buffer.from('x') })).body.dump();
    for (const upload of await collect(store.abandonedUploads?.(SOON()))) await upload.discard();
    expect(await store.stat(empty)).toMatchObject({ size: 0 });
    await store.close();
  });
});

await describeWithService('s3', 'a multipart upload that fails', (s3) => {
  it('is aborted again where a part came behind the abort', async () => {
    useS3Credentials(s3);
    const proxy = await startFaultProxy(s3.url);
    onTestFinished(() => proxy.close());
    const definition = { ...s3Definition(s3, await createBucket('s3')), endpoint: proxy.origin };
    const store = openS3Backend(definition, TIMEOUTS);
    // As if the abort had come before the part: it is answered, and the upload is there all the same.
    proxy.plan([{ kind: 'answer', status: 204 }], (method) => method === 'DELETE');
    const body = failingBody(9 * 1024 * 1024, 8.5 * 1024 * 1024, new Error('the source broke'));
    await expect(store.put(parseStorageKey('org/broken'), body)).rejects.toThrow('the source broke');
    expect(await collect(store.abandonedUploads?.(SOON()))).toEqual([]);
    await store.close();
  });
});
