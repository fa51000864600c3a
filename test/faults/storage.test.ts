import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { giveBack } from '../../src/core/lent-memory.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import type { BackendDefinition } from '../../src/storage/definition.ts';
import { openBackend } from '../../src/storage/open.ts';
import { withoutRetries, withRetries } from '../../src/storage/retry.ts';
import { freshKey } from '../conformance/storage-keys.ts';
import { collect, memoryBody, readAll, sampleBytes, streamBody } from '../support/bodies.ts';
import { azureDefinition, gcsDefinition, s3Definition, useS3Credentials } from '../support/cloud-stores.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { createBucket, describeWithService } from '../support/services/index.ts';

/** Nothing but the proxy makes a call fail, however slow the servers are today. */
const PATIENT = { connect: 10_000, deadline: 60_000 };
/** A silence ends after a quarter of the deadline, but not before a second. */
const HASTY = { connect: 10_000, deadline: 5000 };
const SEVERAL_PARTS = 2 * 8 * 1024 * 1024 + 1;
const BUSY: Fault = { kind: 'answer', status: 503, headers: { 'retry-after': '0' } };

interface Provider {
  target: string;
  /** A fresh store, reached through the proxy. */
  define(origin: string): Promise<BackendDefinition>;
  /** The header with which the provider names a request. */
  requestIdHeader: string;
  denied: string;
}

await describeWithService('s3', 'faults of Amazon S3', (s3) => {
  useS3Credentials(s3);
  describeFaults({
    target: s3.url,
    define: async (url) => s3Definition({ ...s3, url }, await createBucket('s3')),
    requestIdHeader: 'x-amz-request-id',
    denied: '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
  });
});

await describeWithService('gcs', 'faults of Google Cloud Storage', (gcs) =>
  describeFaults({
    target: gcs.url,
    define: async (url) => gcsDefinition({ url }, await createBucket('gcs')),
    requestIdHeader: 'x-guploader-uploadid',
    denied: '{"error":{"code":403,"message":"no access","errors":[{"reason":"forbidden"}]}}',
  }),
);

await describeWithService('azure', 'faults of Azure Blob Storage', (azure) =>
  describeFaults({
    target: new URL(azure.url).origin,
    define: async (url) => ({
      ...azureDefinition(azure, await createBucket('azure')),
      endpoint: `${url}/${azure.account}`,
    }),
    requestIdHeader: 'x-ms-request-id',
    denied: '<Error><Code>AuthorizationPermissionMismatch</Code><Message>not allowed</Message></Error>',
  }),
);

function describeFaults({ target, define, requestIdHeader, denied }: Provider): void {
  let proxy: FaultProxy;
  let store: StorageBackend;
  /** The same store: calls that end a silence soon, but are repeated for as long as those of the other. */
  let waryStore: StorageBackend;

  beforeAll(async () => {
    proxy = await startFaultProxy(target);
    const definition = await define(proxy.origin);
    store = await openBackend(definition, PATIENT);
    waryStore = withRetries(withoutRetries(await openBackend(definition, HASTY)), { deadline: PATIENT.deadline });
  });
  beforeEach(async () => {
    // The test before may have given up what is still on its way.
    await proxy.settled();
    proxy.plan([]);
  });
  afterAll(async () => {
    await store?.close();
    await waryStore?.close();
    await proxy?.close();
  });

  const passing: [string, Fault[], () => StorageBackend][] = [
    ['a storm of 503', [BUSY, BUSY, BUSY, BUSY], () => store],
    ['connections that are reset', [{ kind: 'reset' }, { kind: 'reset' }], () => store],
    ['a server that falls silent', [{ kind: 'silence' }], () => waryStore],
  ];

  describe.each(passing)('%s', (_name, faults, opened) => {
    it('delays a put, a stat, a get, a list and a delete, and fails none', async () => {
      const store = opened();
      const key = freshKey();
      const bytes = sampleBytes(50_000);
      proxy.plan(faults);
      await store.put(key, streamBody(bytes), { ifAbsent: true });
      proxy.plan(faults);
      expect(await store.stat(key)).toMatchObject({ size: 50_000 });
      proxy.plan(faults);
      expect((await readAll((await store.get(key)).body)).equals(bytes)).toBe(true);
      proxy.plan(faults);
      expect((await collect(store.list(key))).map((object) => object.key)).toEqual([key]);
      proxy.plan(faults);
      expect(await store.deleteMany([key])).toEqual([]);
      proxy.plan([]);
      await expect(store.stat(key)).rejects.toMatchObject({ kind: 'NOT_FOUND' });
    });
  });

  it('parts that fail are sent again, and nothing else', async () => {
    const key = freshKey();
    const bytes = sampleBytes(SEVERAL_PARTS);
    proxy.plan(
      [BUSY, { kind: 'reset' }],
      (method, path) => method === 'PUT' && /partNumber|comp=block(&|$)|upload_id/.test(path),
    );
    await store.put(key, streamBody(bytes), { ifAbsent: true });
    expect((await readAll((await store.get(key)).body)).equals(bytes)).toBe(true);
    expect(await collect(store.abandonedUploads?.(new Date(Date.now() + 3_600_000)))).toEqual([]);
  });

  it.each([50_000, SEVERAL_PARTS])('a body of %i bytes that changes on the way is refused', async (size) => {
    const key = freshKey();
    const bytes = sampleBytes(size);
    const hasContent = /partNumber|comp=block(&|$)|upload_id|uploadType=multipart/;
    proxy.decide((method, path) =>
      hasContent.test(path) || (method === 'PUT' && !path.includes('?')) ? { kind: 'corrupt' } : undefined,
    );
    // The hash of the content, which not every store can compare.
    const checksums = { sha256: createHash('sha256').update(bytes).digest('hex') };
    await expect(store.put(key, streamBody(bytes), { ifAbsent: true, checksums })).rejects.toMatchObject({
      kind: 'INTEGRITY',
    });
    proxy.plan([]);
    await expect(store.stat(key)).rejects.toMatchObject({ kind: 'NOT_FOUND' });
  });

  it('a put whose answer is lost has happened, once', async () => {
    const key = freshKey();
    proxy.plan([{ kind: 'lost-answer' }]);
    expect(await store.put(key, memoryBody('mine'), { ifAbsent: true })).toMatchObject({ size: 4 });
    expect((await readAll((await store.get(key)).body)).toString()).toBe('mine');
  });

  it.each([1000, 3_000_000])('a body of %i bytes that breaks off is resumed', async (size) => {
    const key = freshKey();
    const bytes = sampleBytes(size);
    await store.put(key, memoryBody(bytes));
    proxy.plan([{ kind: 'cut' }, { kind: 'cut' }]);
    expect((await readAll((await store.get(key)).body)).equals(bytes)).toBe(true);
    expect(proxy.seen().length).toBeGreaterThan(2);
  });

  describe('an object of several parts', () => {
    const key = freshKey();
    const bytes = sampleBytes(SEVERAL_PARTS);
    const parts = Math.ceil(SEVERAL_PARTS / (4 * 2 ** 20));
    const size = bytes.byteLength;
    beforeAll(async () => {
      await store.put(key, streamBody(bytes));
    });

    it('is read in several ranges, each resumed where it breaks off', async () => {
      proxy.plan([{ kind: 'cut' }, { kind: 'cut' }, { kind: 'reset' }, BUSY]);
      expect((await readAll((await store.get(key, { size })).body)).equals(bytes)).toBe(true);
      expect(proxy.seen()).toHaveLength(parts + 4);
    });

    it.each(['parts', 'whole'] as const)('comes in memory that is lent (%s), whatever breaks off', async (lends) => {
      const breaks: Fault[] = [{ kind: 'cut' }, { kind: 'cut' }, { kind: 'reset' }, BUSY];
      const silence: Fault[] = [{ kind: 'silence' }];
      for (const { from, faults } of [
        { from: store, faults: breaks },
        { from: waryStore, faults: silence },
      ]) {
        proxy.plan(faults);
        const chunks: Uint8Array[] = await (await from.get(key, { size, lends })).body.toArray();
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
        expect(proxy.seen().length).toBeGreaterThan(faults.length);
        for (const chunk of chunks) giveBack(chunk);
      }
    });

    it('is read whole by one request where its size is not known', async () => {
      expect((await readAll((await store.get(key)).body)).equals(bytes)).toBe(true);
      expect(proxy.seen()).toHaveLength(1);
    });

    it('may be dropped again and again, unread and half-way, and holds nothing back', async () => {
      for (let round = 0; round < 5; round += 1) {
        (await store.get(key, { size })).body.destroy();
        const { body } = await store.get(key, { size });
        for await (const _chunk of body) break;
      }
      // What is held by nobody may be fetched ahead again: all but the first are, before the first is read.
      const { body } = await store.get(key, { size });
      proxy.plan([]);
      for await (const _chunk of body) {
        await expect.poll(() => proxy.seen().length).toBe(parts - 1);
        break;
      }
    });

    it('is not continued with another version', async () => {
      const other = freshKey();
      await store.put(other, streamBody(bytes));
      const { body } = await store.get(other, { size });
      await store.put(other, streamBody(sampleBytes(SEVERAL_PARTS, 2)));
      await expect(readAll(body)).rejects.toMatchObject({ kind: 'CONFLICT' });
    });

    it('is not continued with another version where one answer broke off', async () => {
      const other = freshKey();
      await store.put(other, streamBody(bytes));
      proxy.plan([{ kind: 'cut' }]);
      const { body } = await store.get(other, { size, lends: 'whole' });
      await store.put(other, streamBody(sampleBytes(SEVERAL_PARTS, 2)));
      await expect(body.toArray()).rejects.toMatchObject({ kind: 'CONFLICT' });
    });
  });

  it('a service that stays away is UNAVAILABLE in the end, with the id of the request', async () => {
    proxy.always({ kind: 'answer', status: 503, headers: { [requestIdHeader]: 'request-7' } });
    const failure = { kind: 'UNAVAILABLE', retryable: false, requestId: 'request-7' };
    const hasty = await openBackend(await define(proxy.origin), HASTY);
    await expect(hasty.get(freshKey())).rejects.toMatchObject(failure);
    expect(proxy.seen().length).toBeGreaterThan(3);
    await hasty.close();
  });

  it('a right that is missing is DENIED at once', async () => {
    const key = freshKey();
    proxy.always({ kind: 'answer', status: 403, body: denied, headers: { [requestIdHeader]: 'request-8' } });
    await expect(store.put(key, memoryBody('x'))).rejects.toMatchObject({ kind: 'DENIED', requestId: 'request-8' });
    expect(proxy.seen()).toHaveLength(1);
    await expect(store.get(key)).rejects.toMatchObject({ kind: 'DENIED' });
    await expect(collect(store.list(''))).rejects.toMatchObject({ kind: 'DENIED' });
  });

  it('a store that is not there is STORE_MISSING, whatever is asked of it', async () => {
    const definition = await define(proxy.origin);
    const gone =
      'container' in definition ? { ...definition, container: 'nowhere' } : { ...definition, bucket: 'nowhere' };
    const missing = await openBackend(gone, PATIENT);
    const failure = { kind: 'STORE_MISSING' };
    await expect(missing.put(freshKey(), memoryBody('x'), { ifAbsent: true })).rejects.toMatchObject(failure);
    await expect(missing.put(freshKey(), streamBody(sampleBytes(SEVERAL_PARTS)))).rejects.toMatchObject(failure);
    await expect(missing.get(freshKey())).rejects.toMatchObject(failure);
    await expect(missing.stat(freshKey())).rejects.toMatchObject(failure);
    await expect(collect(missing.list(''))).rejects.toMatchObject(failure);
    await missing.close();
  });

  it('an endpoint that does not listen is UNAVAILABLE', async () => {
    // Nobody is given such a port by chance.
    const unreachable = await openBackend(await define('http://127.0.0.1:1'), { connect: 300, deadline: 300 });
    await expect(unreachable.stat(freshKey())).rejects.toMatchObject({ kind: 'UNAVAILABLE' });
    await unreachable.close();
  });

  it('a call that is aborted while it waits ends at once', async () => {
    proxy.always({ kind: 'silence' });
    const controller = new AbortController();
    const waiting = store.stat(freshKey(), { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
}
