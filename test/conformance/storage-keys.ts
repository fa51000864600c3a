import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseStorageKey, type StorageKey } from '../../src/core/storage-key.ts';
import { collect, memoryBody, readAll } from '../support/bodies.ts';
import fc from '../support/property.ts';
import type { SuiteContext } from './storage.ts';

/** A key that no other test uses. */
export function freshKey(tail = 'file.bin'): StorageKey {
  return parseStorageKey(`org/${randomUUID()}/${tail}`);
}

const HOSTILE_NAMES = [
  'hello? sausage/êé/Hello, 世界/ " \' @ < >',
  ' leading and trailing ',
  '-rf',
  '~',
  'a+b&c=d;e:f#g%20h%2Fi',
  '%',
  '$HOME `id` $(id) | ! * ( ) [ ] { } ^ ,',
  'CON',
  '.hidden',
  '...x',
  'emoji 🦊 \u{10ffff}',
  'combining e\u0301 against \u00e9',
  'right-to-left \u202e txt.exe',
  `${'n'.repeat(250)}.txt`,
];

export function describeKeys({ backend, traits }: SuiteContext): void {
  describe('keys', () => {
    it.each(HOSTILE_NAMES)('round-trips %j', async (name) => {
      await roundTrip(freshKey(name));
    });

    it('round-trips a key of 1,024 bytes', async () => {
      const key = freshKey(Array.from({ length: 9 }, () => 'd'.repeat(99)).join('/'));
      await roundTrip(parseStorageKey(key.padEnd(1024, 'x')));
    });

    it('round-trips any key that is a storage key', async () => {
      await fc.assert(
        fc.asyncProperty(hostileSegments, async (segments) => {
          await roundTrip(freshKey(segments.join('/')));
        }),
        { numRuns: 25 },
      );
    });

    it('tells keys apart that differ only in what a path might fold', async () => {
      const base = freshKey('x');
      const names = traits.keysAreDirectories
        ? ['a', 'a b', 'a%20b', 'a+b']
        : ['a', 'a/b', 'a%2Fb', 'a b', 'a%20b', 'a+b'];
      const keys = names.map((name) => parseStorageKey(`${base}/${name}`));
      for (const key of keys) await backend().put(key, memoryBody(key), { ifAbsent: true });
      for (const key of keys) expect((await readAll((await backend().get(key)).body)).toString()).toBe(key);
    });

    it('says NOT_FOUND for what is not there, before the first byte', async () => {
      await expect(backend().get(freshKey())).rejects.toMatchObject({ name: 'StorageError', kind: 'NOT_FOUND' });
      await expect(backend().stat(freshKey())).rejects.toMatchObject({ name: 'StorageError', kind: 'NOT_FOUND' });
    });

    it('says NOT_FOUND for a key below an object, and for the directory of one', async () => {
      const key = freshKey();
      await backend().put(key, memoryBody('x'));
      await expect(backend().stat(parseStorageKey(`${key}/below`))).rejects.toMatchObject({ kind: 'NOT_FOUND' });
      const directory = parseStorageKey(key.slice(0, key.lastIndexOf('/')));
      await expect(backend().get(directory)).rejects.toMatchObject({ kind: 'NOT_FOUND' });
    });

    it('deletes a key once and again, and one that never was', async () => {
      const key = freshKey();
      await backend().put(key, memoryBody('x'));
      expect(await backend().deleteMany([key, freshKey()])).toEqual([]);
      expect(await backend().deleteMany([key])).toEqual([]);
      await expect(backend().stat(key)).rejects.toMatchObject({ kind: 'NOT_FOUND' });
    });

    it('deletes nothing when there is nothing to delete', async () => {
      expect(await backend().deleteMany([])).toEqual([]);
    });
  });

  async function roundTrip(key: StorageKey): Promise<void> {
    const content = Buffer.from(key);
    const stored = await backend().put(key, memoryBody(content), { ifAbsent: true });
    expect(stored).toMatchObject({ key, size: content.length });
    const { object, body } = await backend().get(key);
    expect(await readAll(body)).toEqual(content);
    expect(object).toMatchObject({ key, size: content.length, etag: stored.etag });
    expect(await backend().stat(key)).toMatchObject({ key, size: content.length, etag: stored.etag });
    expect((await collect(backend().list(key))).map((found) => found.key)).toEqual([key]);
    expect(await backend().deleteMany([key])).toEqual([]);
    expect(await collect(backend().list(key))).toEqual([]);
  }
}

const hostileSegments = fc
  .array(fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }), { minLength: 1, maxLength: 4 })
  .filter((segments) => segments.every((segment) => !segment.includes('/')))
  .filter((segments) => isStorageKey(segments.join('/')));

function isStorageKey(text: string): boolean {
  try {
    parseStorageKey(text);
    return true;
  } catch {
    return false;
  }
}
