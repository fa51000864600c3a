import { expect, it } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { createPartPool } from '../../src/storage/parts.ts';
import { createPrefix } from '../../src/storage/prefix.ts';
import { createS3Caller } from '../../src/storage/s3/client.ts';
import { copyObject } from '../../src/storage/s3/copy.ts';
import type { S3Store } from '../../src/storage/s3/objects.ts';
import { openS3Backend } from '../../src/storage/s3/s3-backend.ts';
import { collect, memoryBody, readAll, sampleBytes, streamBody } from '../support/bodies.ts';
import { s3Definition, TIMEOUTS, useS3Credentials } from '../support/cloud-stores.ts';
import { createBucket, describeWithService } from '../support/services/index.ts';

const MIB = 2 ** 20;
/** In truth 5 GiB. */
const manner = { retry: { deadline: TIMEOUTS.deadline }, largest: 6 * MIB };
const [source, target] = [parseStorageKey('a/source.bin'), parseStorageKey('a/target.bin')];

await describeWithService('s3', 'Copies of what CopyObject may not copy at once (versitygw)', (s3) => {
  it('come in the parts of the source, with its ETag', async () => {
    const { store, backend } = await openStore();
    const bytes = sampleBytes(17 * MIB);
    const stored = await backend.put(source, streamBody(bytes), { contentType: 'text/plain' });
    const copied = await copyObject(store, store, source, target, { ifAbsent: true }, manner);
    expect(copied).toMatchObject({ key: target, size: bytes.length, contentType: 'text/plain' });
    expect(copied).toMatchObject({ etag: stored.etag, hasEtagOfParts: true });
    expect(stored.etag).toMatch(/-3$/);
    expect(bytes.equals(await readAll((await backend.get(target)).body))).toBe(true);
    await backend.close();
  });

  it('come in large parts where the source has none of ours, and its ETag proves nothing', async () => {
    const { store, backend } = await openStore();
    const bytes = sampleBytes(7 * MIB);
    const stored = await backend.put(source, memoryBody(bytes));
    const copied = await copyObject(store, store, source, target, {}, manner);
    expect(copied).toMatchObject({ size: bytes.length, hasEtagOfParts: true });
    expect(copied.etag).toMatch(/-1$/);
    expect(copied.etag).not.toBe(stored.etag);
    await backend.close();
  });

  it('have an ETag that proves nothing where it is not made of what the store told of the parts', async () => {
    const { store, backend } = await openStore();
    await backend.put(source, streamBody(sampleBytes(17 * MIB)));
    const call: S3Store['s3']['call'] = async (request) => {
      const answer = await store.s3.call(request);
      const isCopy = request.method === 'HEAD' && request.name === target;
      return isCopy ? { ...answer, headers: { ...answer.headers, etag: `"${'0'.repeat(32)}-3"` } } : answer;
    };
    const copied = await copyObject(store, { ...store, s3: { ...store.s3, call } }, source, target, {}, manner);
    expect(copied.hasEtagOfParts).toBe(false);
    await backend.close();
  });

  it('leave nothing behind when a part cannot be copied', async () => {
    const { store, backend } = await openStore();
    await backend.put(source, streamBody(sampleBytes(17 * MIB)));
    const onSession = () => backend.deleteMany([source]).then(() => undefined);
    const copy = copyObject(store, store, source, target, { onSession }, manner);
    await expect(copy).rejects.toMatchObject({ kind: 'NOT_FOUND' });
    expect(await collect(backend.abandonedUploads?.(new Date(Date.now() + 3_600_000)))).toEqual([]);
    await backend.close();
  });

  async function openStore() {
    useS3Credentials(s3);
    const definition = s3Definition(s3, await createBucket('s3'));
    const caller = createS3Caller(definition, TIMEOUTS);
    const store: S3Store = { name: 's3', s3: caller, prefix: createPrefix(undefined), pool: createPartPool() };
    return { store, backend: openS3Backend(definition, TIMEOUTS) };
  }
});
