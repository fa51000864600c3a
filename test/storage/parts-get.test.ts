import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it, test } from 'vitest';
import { giveBack, isLent } from '../../src/core/lent-memory.ts';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { openBareS3 } from '../support/bare-s3.ts';

const KEY = parseStorageKey('org/report.csv');
const MIB = 2 ** 20;

/** A store that answers ranges of one object. */
function openStore(bytes: Buffer, answer?: (response: ServerResponse, start: number) => boolean) {
  return openBareS3((request, response) => {
    const [, start = 0, end = 0] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '')?.map(Number) ?? [];
    if (answer?.(response, start) === true) return;
    const part = bytes.subarray(start, end + 1);
    const range = `bytes ${start}-${start + part.length - 1}/${bytes.length}`;
    response.writeHead(206, { etag: '"x"', 'content-range': range, 'content-length': part.length }).end(part);
  });
}

const bytes = randomBytes(70 * MIB + 5);

describe.each(['small', 'large'] as const)('a large object that is read in %s parts', (lends) => {
  const options = { size: bytes.length, lends };

  it('comes in order, in memory that is used again when it was given back', async () => {
    const store = await openStore(bytes);
    const memories = new Set<ArrayBufferLike>();
    let at = 0;
    for await (const chunk of (await store.get(KEY, options)).body) {
      expect(isLent(chunk)).toBe(true);
      expect(bytes.subarray(at, at + chunk.length).equals(chunk)).toBe(true);
      at += chunk.length;
      memories.add(chunk.buffer);
      giveBack(chunk);
    }
    expect(at).toBe(bytes.length);
    expect(memories.size).toBeLessThanOrEqual(8);
  });

  it('stays with a reader that gives nothing back, whatever is read after it', async () => {
    const store = await openStore(bytes);
    const [one, two] = await Promise.all([store.get(KEY, options), store.get(KEY, options)]);
    const kept = await Promise.all([one.body.toArray(), two.body.toArray()]);
    const later = await (await store.get(KEY, options)).body.toArray();
    for (const chunks of [...kept, later]) expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  it('is read by many at once, though there is not memory for all', async () => {
    const store = await openStore(bytes);
    const reads = Array.from({ length: 6 }, async () => {
      const hashed: boolean[] = [];
      let at = 0;
      for await (const chunk of (await store.get(KEY, options)).body) {
        hashed.push(bytes.subarray(at, at + chunk.length).equals(chunk));
        at += chunk.length;
        giveBack(chunk);
      }
      return at === bytes.length && hashed.every(Boolean);
    });
    expect(await Promise.all(reads)).toEqual(reads.map(() => true));
  });

  it('is not lent to whoever does not ask for that', async () => {
    const store = await openStore(bytes);
    const chunks = await (await store.get(KEY, { size: bytes.length })).body.toArray();
    expect(chunks.some((chunk) => isLent(chunk) || chunk.buffer instanceof SharedArrayBuffer)).toBe(false);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  it('is asked for again where an answer breaks off within a part', async () => {
    const broken = new Set<number>();
    const store = await openStore(bytes, (response, start) => {
      if (broken.has(start)) return false;
      broken.add(start);
      response.writeHead(206, {
        etag: '"x"',
        'content-range': `bytes ${start}-0/${bytes.length}`,
        'content-length': 4096,
      });
      response.write(Buffer.alloc(100), () => response.destroy());
      return true;
    });
    expect(Buffer.concat(await (await store.get(KEY, options)).body.toArray()).equals(bytes)).toBe(true);
  });

  it('leaves memory for others when it is dropped unread', async () => {
    const store = await openStore(bytes);
    for (let count = 0; count < 20; count += 1) {
      const { body } = await store.get(KEY, options);
      body.destroy();
      await once(body, 'close');
    }
    const { body } = await store.get(KEY, options);
    const [first] = await body.take(1).toArray();
    expect(isLent(first)).toBe(true);
  });

  it('takes no more memory for all that drop it half-way, and keep what they have, than it lends', async () => {
    const store = await openStore(bytes);
    const kept: Uint8Array[] = [];
    for (let count = 0; count < 20; count += 1) {
      const { body } = await store.get(KEY, options);
      const { value } = await body[Symbol.asyncIterator]().next();
      kept.push(value);
      body.destroy();
      await once(body, 'close');
    }
    const memories = new Set(kept.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof SharedArrayBuffer));
    expect(memories.size).toBeGreaterThan(0);
    expect(memories.size).toBeLessThanOrEqual(14);
    expect(kept.every((chunk) => bytes.subarray(0, chunk.length).equals(chunk))).toBe(true);
  });
});

test.each([
  { lends: 'small', size: 70 * MIB + 5, requests: 9 },
  { lends: 'large', size: 70 * MIB + 5, requests: 5 },
  { lends: 'large', size: 17 * MIB, requests: 2 },
  { lends: 'large', size: 16 * MIB, requests: 1 },
] as const)('$size bytes come in $lends parts by $requests requests', async ({ lends, size, requests }) => {
  let asked = 0;
  const object = bytes.subarray(0, size);
  const store = await openBareS3((request, response) => {
    asked += 1;
    const [, start = 0, end = size - 1] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '')?.map(Number) ?? [];
    const part = object.subarray(start, end + 1);
    const isWhole = request.headers.range === undefined;
    const range = isWhole ? {} : { 'content-range': `bytes ${start}-${start + part.length - 1}/${size}` };
    response.writeHead(isWhole ? 200 : 206, { etag: '"x"', ...range, 'content-length': part.length }).end(part);
  });
  const { body } = await store.get(KEY, { size, lends });
  expect(Buffer.concat(await body.toArray()).equals(object)).toBe(true);
  expect(asked).toBe(requests);
});
