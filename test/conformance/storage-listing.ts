import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MARKER_KEY } from '../../src/core/marker-key.ts';
import { parseStorageKey, type StorageKey } from '../../src/core/storage-key.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { findStoreInside, putMarker, readMarker } from '../../src/storage/marker.ts';
import { withRetries } from '../../src/storage/retry.ts';
import { collect, memoryBody } from '../support/bodies.ts';
import type { SuiteContext } from './storage.ts';

const AT_ONCE = 16;

export function describeListing({ backend, open, traits }: SuiteContext, many: number): void {
  describe('listing', () => {
    it(`lists and deletes ${many} keys in byte order`, { timeout: 600_000 }, async ({ signal }) => {
      const keys = Array.from({ length: many }, (_, index) => parseStorageKey(`many/${index % 7}/${randomUUID()}`));
      // Among thousands of calls one meets a connection that the server has just closed: retries, which always wrap a
      // backend in use, make up for that.
      const store = withRetries(backend(), { deadline: 60_000 });
      await putAll(store, keys, signal);
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await keysOf(store, 'many/')).toEqual(sorted);
      const half = Math.floor(many / 2);
      const [middle = ''] = sorted.slice(half);
      expect(await keysOf(store, 'many/', middle)).toEqual(sorted.slice(half + 1));
      expect(await keysOf(store, 'many/', `${middle}~`)).toEqual(sorted.slice(half + 1));
      expect(await store.deleteMany(keys, { signal })).toEqual([]);
      expect(await keysOf(store, 'many/')).toEqual([]);
    });

    it('orders whole keys by their bytes, not directory by directory', async () => {
      const names = ['a-b', 'a/b', 'a/c', 'a.b', 'a b', 'aa', 'b', '\uffee', 'é', 'Z'];
      if (traits.listsByUtf16 !== true) names.push('🦊');
      const keys = names.map((name) => parseStorageKey(`order/${name}`));
      await putAll(backend(), keys);
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await keysOf(backend(), 'order/')).toEqual(sorted);
      for (const [index, key] of sorted.entries()) {
        expect(await keysOf(backend(), 'order/', key)).toEqual(sorted.slice(index + 1));
      }
      await backend().deleteMany(keys);
    });

    it('takes a prefix literally: foo is a prefix of foobar, foo/ is not', async () => {
      const keys = ['foo/1', 'foo/2', 'foobar/1', 'fo', 'fop/x'].map((name) => parseStorageKey(`literal/${name}`));
      await putAll(backend(), keys);
      expect(await keysOf(backend(), 'literal/foo')).toEqual(['literal/foo/1', 'literal/foo/2', 'literal/foobar/1']);
      expect(await keysOf(backend(), 'literal/foo/')).toEqual(['literal/foo/1', 'literal/foo/2']);
      expect(await keysOf(backend(), 'literal/foob')).toEqual(['literal/foobar/1']);
      expect(await keysOf(backend(), 'literal/nothing')).toEqual([]);
      expect(await keysOf(backend(), 'literal/../literal/foo')).toEqual([]);
      await backend().deleteMany(keys);
    });

    it('reports size, ETag, time and, where features say so, checksums', async () => {
      const key = parseStorageKey(`listed/${randomUUID()}`);
      const stored = await backend().put(key, memoryBody('four'), { contentType: 'text/plain' });
      const [listed] = await collect(backend().list(key));
      expect(listed).toMatchObject({ key, size: 4, etag: stored.etag });
      expect(Math.abs((listed?.lastModified.getTime() ?? 0) - Date.now())).toBeLessThan(300_000);
    });

    it('can be left half-way and be aborted', async () => {
      const keys = ['1', '2', '3'].map((name) => parseStorageKey(`half/${name}`));
      await putAll(backend(), keys);
      for await (const { key } of backend().list('half/')) {
        expect(key).toBe('half/1');
        break;
      }
      const aborted = collect(backend().list('half/', { signal: AbortSignal.abort() }));
      await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    });
  });

  describe('markers', () => {
    const ours = { catalogId: randomUUID(), backendId: randomUUID(), format: 1 } as const;
    const others = { ...ours, catalogId: randomUUID() };

    it('puts one where there is none, and never over another unless told to', async () => {
      const store = await open();
      expect(await readMarker(store)).toBeUndefined();
      expect(await putMarker(store, ours)).toEqual(ours);
      expect(await putMarker(store, others)).toEqual(ours);
      expect(await putMarker(store, others, { replace: true })).toEqual(others);
      expect(await readMarker(store)).toEqual(others);
      expect(await findStoreInside(store)).toBeUndefined();
      await store.close();
    });

    it('finds a store inside, and lists nothing of it but its marker', async () => {
      const store = await open();
      const nested = parseStorageKey(`deep/inside/${MARKER_KEY}`);
      const keys = ['deep/inside/org/x', 'deep/inside-not', 'deep/z'].map((key) => parseStorageKey(key));
      await putAll(store, [...keys, nested]);
      expect(await findStoreInside(store)).toBe(nested);
      expect(await keysOf(store, '')).toEqual(['deep/inside-not', nested, 'deep/z']);
      await store.close();
    });
  });
}

/** @param signal of a test that is given up: the next one finds the server at rest */
async function putAll(backend: StorageBackend, keys: readonly StorageKey[], signal?: AbortSignal): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  const queue = keys.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const key of queue) await backend.put(key, memoryBody('x'), options);
    }),
  );
}

async function keysOf(backend: StorageBackend, prefix: string, startAfter?: string): Promise<string[]> {
  const options = startAfter === undefined ? {} : { startAfter };
  return (await collect(backend.list(prefix, options))).map((object) => object.key);
}
