import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { BodySource } from '../../src/core/body.ts';
import { giveBack, isLent } from '../../src/core/lent-memory.ts';
import { parseStorageKey, type StorageKey } from '../../src/core/storage-key.ts';
import type { PutOptions } from '../../src/storage/backend.ts';
import { withoutRetries, withRetries } from '../../src/storage/retry.ts';
import { collect, digest, failingBody, memoryBody, readAll, sampleBytes, streamBody } from '../support/bodies.ts';
import { crc32c } from '../support/crc32c.ts';
import { itUnless } from './skips.ts';
import type { SuiteContext } from './storage.ts';
import { freshKey } from './storage-keys.ts';

export function describeBodies(context: SuiteContext): void {
  const { backend, traits } = context;
  const several = traits.multipartBytes;

  describe('bodies', () => {
    it.each([0, 1, 65_536, 1_048_577, several])(
      'stores and gives back %i bytes, from memory and as a stream',
      async (size) => {
        const bytes = sampleBytes(size);
        for (const body of [memoryBody(bytes), streamBody(bytes)]) {
          const key = freshKey();
          const stored = await backend().put(key, body, { ifAbsent: true, checksums: allChecksums(bytes) });
          const got = await backend().get(key);
          const content = await readAll(got.body);
          expect(content.length).toBe(size);
          expect(digest('sha256', content)).toBe(digest('sha256', bytes));
          expect(await backend().stat(key)).toMatchObject({ size, etag: stored.etag, checksums: stored.checksums });
        }
      },
    );

    it('reports the checksums that the store verified', async () => {
      const bytes = sampleBytes(1000);
      const sent = allChecksums(bytes);
      const key = freshKey();
      await backend().put(key, memoryBody(bytes), { checksums: sent });
      const { checksums } = await backend().stat(key);
      for (const name of backend().features.checksums) expect(checksums[name]).toBe(sent[name]);
    });

    it('gives ranges, both ends inclusive and the end clamped', async () => {
      const bytes = sampleBytes(300_000);
      const key = freshKey();
      await backend().put(key, memoryBody(bytes));
      const ranges: [number, number | undefined][] = [
        [0, 0],
        [1, 299_998],
        [299_999, undefined],
        [5, 900_000],
      ];
      for (const [start, end] of ranges) {
        const range = end === undefined ? { start } : { start, end };
        const { object, body } = await backend().get(key, { range });
        const expected = bytes.subarray(start, end === undefined ? undefined : end + 1);
        expect((await readAll(body)).equals(expected)).toBe(true);
        expect(object.size).toBe(300_000);
      }
      await expect(backend().get(key, { range: { start: 300_000 } })).rejects.toMatchObject({ kind: 'INTEGRITY' });
    });

    it('gives back what was stored compressed as it is stored', async () => {
      const bytes = gzipSync(sampleBytes(5000).toString('hex'));
      const key = freshKey();
      await backend().put(key, memoryBody(bytes), { contentEncoding: 'gzip', contentType: 'text/plain' });
      const { object, body } = await backend().get(key);
      expect((await readAll(body)).equals(bytes)).toBe(true);
      expect(object.size).toBe(bytes.length);
      if (!traits.keepsNoHeaders) expect(await backend().stat(key)).toMatchObject({ contentEncoding: 'gzip' });
    });

    it('gives a large object back in memory that is lent, whole or in parts', async () => {
      const bytes = sampleBytes(17 * 2 ** 20 + 5);
      const key = freshKey();
      await backend().put(key, memoryBody(bytes));
      const store = withRetries(withoutRetries(backend()), { deadline: 60_000 });
      for (const lends of [undefined, 'parts', 'whole'] as const) {
        const { object, body } = await store.get(key, { size: bytes.length, ...(lends && { lends }) });
        const chunks: Uint8Array[] = await body.toArray();
        expect(object.size).toBe(bytes.length);
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
        const areLent = lends !== undefined && backend().features.readsInParts === true;
        expect(chunks.every(isLent)).toBe(areLent);
        for (const chunk of chunks) giveBack(chunk);
      }
    });

    it('refuses to read another version than the one named', async () => {
      const key = freshKey();
      const { etag } = await backend().put(key, memoryBody('one'));
      expect((await readAll((await backend().get(key, { ifMatch: etag })).body)).toString()).toBe('one');
      await backend().put(key, memoryBody('another'));
      await expect(backend().get(key, { ifMatch: etag })).rejects.toMatchObject({ kind: 'CONFLICT' });
    });

    it('lets a body be dropped unread, half-way and by an abort', async () => {
      const key = freshKey();
      await backend().put(key, memoryBody(sampleBytes(several)));
      (await backend().get(key)).body.destroy();
      const { body } = await backend().get(key);
      for await (const chunk of body) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      const controller = new AbortController();
      const aborted = await backend().get(key, { signal: controller.signal });
      const reading = readAll(aborted.body);
      controller.abort();
      await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    });

    it('replaces an object unless told otherwise', async () => {
      const key = freshKey();
      await backend().put(key, memoryBody('one'));
      await backend().put(key, memoryBody('second'));
      expect(await contentOf(key)).toBe('second');
    });

    itUnless(traits, 'ifAbsent', 'never replaces with ifAbsent, in one part or several', async () => {
      for (const size of [6, several]) {
        const key = freshKey();
        await backend().put(key, memoryBody('one'), { ifAbsent: true });
        const second = backend().put(key, streamBody(sampleBytes(size)), { ifAbsent: true });
        await expect(second).rejects.toMatchObject({ kind: 'CONFLICT', retryable: false });
        expect(await contentOf(key)).toBe('one');
      }
      await expectNothingLeft();
    });

    itUnless(traits, 'ifAbsentRace', 'lets exactly one of many win the race for a key', async () => {
      const key = freshKey();
      const racers = Array.from({ length: 12 }, (_, index) => `racer ${index}`);
      const results = await Promise.allSettled(
        racers.map((name) => backend().put(key, memoryBody(name), { ifAbsent: true })),
      );
      const winners = racers.filter((_, index) => results[index]?.status === 'fulfilled');
      expect(winners).toEqual([await contentOf(key)]);
    });

    const sizes = [20_000, several];
    it.each(sizes)('stores nothing of a body of %i bytes that is short, long, failing or aborted', async (size) => {
      const failure = new Error('the source broke');
      const controller = new AbortController();
      await expectNothingStored(streamBody(sampleBytes(size - 1), size), { kind: 'INTEGRITY' });
      await expectNothingStored(streamBody(sampleBytes(size + 1), size), { kind: 'INTEGRITY' });
      await expectNothingStored(failingBody(size, size - 10, failure), failure);
      await expectNothingStored(failingBody(size, 0, failure), failure);
      await expectNothingStored(abortingBody(size, controller), { name: 'AbortError' }, { signal: controller.signal });
      await expectNothingStored(memoryBody('x'), { name: 'AbortError' }, { signal: AbortSignal.abort() });
      await expectNothingLeft();
    });

    itUnless(traits, 'checksums', 'refuses a body that does not have the checksum it was sent with', async () => {
      for (const name of backend().features.checksums) {
        const wrong = { [name]: allChecksums(sampleBytes(10, 99))[name] };
        await expectNothingStored(memoryBody(sampleBytes(20_000)), { kind: 'INTEGRITY' }, { checksums: wrong });
      }
    });

    it('makes a group durable with one flush, where it can', async () => {
      if (!backend().features.groupDurability) return expect(backend().flush).toBeUndefined();
      const keys = Array.from({ length: 20 }, () => freshKey());
      await Promise.all(keys.map((key) => backend().put(key, memoryBody(key), { durability: 'group' })));
      await backend().flush?.(keys);
      expect(await backend().flush?.([])).toBeUndefined();
      for (const key of keys) expect(await contentOf(key)).toBe(key);
    });

    itUnless(traits, 'copy', 'copies within the provider', async () => {
      if (backend().copyFrom === undefined) return;
      const other = await context.open();
      for (const size of [100, several]) {
        const [source, target] = [freshKey(), freshKey()];
        const bytes = sampleBytes(size);
        await other.put(source, memoryBody(bytes), { checksums: allChecksums(bytes), contentType: 'text/plain' });
        const copied = await backend().copyFrom?.(other, source, target, { ifAbsent: true });
        expect(copied).toMatchObject({ key: target, size });
        expect(digest('sha256', await readAll((await backend().get(target)).body))).toBe(digest('sha256', bytes));
        await expect(backend().copyFrom?.(other, freshKey(), freshKey())).rejects.toMatchObject({ kind: 'NOT_FOUND' });
      }
      await other.close();
    });
  });

  async function contentOf(key: StorageKey): Promise<string> {
    return (await readAll((await backend().get(key)).body)).toString();
  }

  async function expectNothingStored(body: BodySource, error: object, options: PutOptions = {}): Promise<void> {
    const key = freshKey();
    const rejected = expect(backend().put(key, body, { ifAbsent: true, ...options })).rejects;
    await (error instanceof Error ? rejected.toBe(error) : rejected.toMatchObject(error));
    await expect(backend().stat(key)).rejects.toMatchObject({ kind: 'NOT_FOUND' });
    expect(await collect(backend().list(parseStorageKey(key.slice(0, key.lastIndexOf('/')))))).toEqual([]);
  }

  async function expectNothingLeft(): Promise<void> {
    if (backend().abandonedUploads === undefined || traits.serverLacks?.abandonedUploads !== undefined) return;
    expect(await collect(backend().abandonedUploads?.(new Date(Date.now() + 3_600_000)))).toEqual([]);
  }
}

export function allChecksums(bytes: Buffer) {
  return { sha256: digest('sha256', bytes), md5: digest('md5', bytes), crc32c: crc32c(bytes) };
}

function abortingBody(size: number, controller: AbortController): BodySource {
  async function* open(): AsyncGenerator<Uint8Array> {
    const bytes = sampleBytes(size);
    const half = Math.floor(size / 2);
    yield bytes.subarray(0, half);
    controller.abort();
    yield bytes.subarray(half);
  }
  return { size, open };
}
