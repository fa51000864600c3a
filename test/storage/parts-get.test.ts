import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, test } from 'vitest';
import { giveBack, isLent } from '../../src/core/lent-memory.ts';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import type { OpenedObject, StorageBackend } from '../../src/storage/backend.ts';
import { type GetObject, gettingInParts } from '../../src/storage/parts-get.ts';
import { withoutRetries } from '../../src/storage/retry.ts';
import { openBareS3 } from '../support/bare-s3.ts';

const KEY = parseStorageKey('org/report.csv');
const MIB = 2 ** 20;
const RETRY = { deadline: 20_000 };

type Answer = (response: ServerResponse, start: number, request: IncomingMessage) => boolean | Promise<boolean>;

/** A store that answers for one object, and its ranges, unless `answer` does. */
function openStore(bytes: Buffer, answer?: Answer) {
  return openBareS3(async (request, response) => {
    const asked = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '')?.map(Number);
    const [, start = 0, end = bytes.length] = asked ?? [];
    if ((await answer?.(response, start, request)) === true) return;
    const part = bytes.subarray(start, end + 1);
    const range = asked && { 'content-range': `bytes ${start}-${start + part.length - 1}/${bytes.length}` };
    response.writeHead(asked ? 206 : 200, { etag: '"x"', ...range, 'content-length': part.length }).end(part);
  });
}

const bytes = randomBytes(70 * MIB + 5);

describe.each(['parts', 'whole'] as const)('a large object that is read with lends: %s', (lends) => {
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

/** By a clock that stands: nothing is slow. */
function quickly(store: StorageBackend): GetObject {
  return gettingInParts(withoutRetries(store), RETRY, () => 0);
}

test.each([
  { lends: 'parts', size: 70 * MIB + 5, requests: 9 },
  { lends: 'whole', size: 70 * MIB + 5, requests: 1 },
  { lends: 'whole', size: 16 * MIB, requests: 1 },
] as const)('$size bytes come by $requests requests (lends: $lends)', async ({ lends, size, requests }) => {
  let asked = 0;
  const object = bytes.subarray(0, size);
  const store = await openStore(object, () => {
    asked += 1;
    return false;
  });
  const { body } = await quickly(store)(KEY, { size, lends });
  expect(Buffer.concat(await body.toArray()).equals(object)).toBe(true);
  expect(asked).toBe(requests);
});

describe('a large object that is read by one answer', () => {
  const options = { size: bytes.length, lends: 'whole' as const };

  /** A store that tells which ranges it was asked for, and what `whole` does to the first answer. */
  async function openTelling(
    whole: (response: ServerResponse) => unknown,
    refuse: () => number | undefined | Promise<undefined> = () => undefined,
  ) {
    const ranges: { start: number; ifMatch: string | undefined }[] = [];
    const store = await openStore(bytes, async (response, start, { headers }) => {
      if (headers.range === undefined) {
        response.writeHead(200, { etag: '"x"', 'content-length': bytes.length });
        whole(response);
        return true;
      }
      ranges.push({ start, ifMatch: headers['if-match'] });
      const status = await refuse();
      if (status !== undefined) response.writeHead(status).end();
      return status !== undefined;
    });
    return { store, ranges };
  }

  /** Read by a clock that runs ahead: its first piece came slowly. */
  function slowly(store: StorageBackend): Promise<OpenedObject> {
    let clock = 0;
    const now = () => {
      clock += 1000;
      return clock;
    };
    return gettingInParts(withoutRetries(store), RETRY, now)(KEY, options);
  }

  async function write(response: ServerResponse, start: number, end: number): Promise<void> {
    await new Promise((resolve) => response.write(bytes.subarray(start, end), resolve));
  }

  /** Breaks the first answer off within its third piece. */
  const breakOff = async (response: ServerResponse) => {
    await write(response, 0, 10 * MIB);
    await sleep(50);
    response.destroy();
  };

  async function read(body: AsyncIterable<Uint8Array>): Promise<{ at: number; isRight: boolean }> {
    let at = 0;
    let isRight = true;
    for await (const chunk of body) {
      isRight &&= bytes.subarray(at, at + chunk.byteLength).equals(chunk);
      at += chunk.byteLength;
      giveBack(chunk);
    }
    return { at, isRight };
  }

  it('is asked for in parts once it comes slowly, and ends where they begin', async () => {
    const closed = withResolvers<number>();
    const { store, ranges } = await openTelling(async (response) => {
      let sent = 0;
      response.once('close', () => closed.resolve(sent));
      for (; sent < bytes.length && !response.destroyed; sent += MIB) {
        await write(response, sent, sent + MIB);
        await sleep(50);
      }
    });
    expect(await read((await store.get(KEY, options)).body)).toEqual({ at: bytes.length, isRight: true });
    const first = Math.min(...ranges.map(({ start }) => start));
    expect(first).toBeLessThanOrEqual(16 * MIB);
    expect(ranges.map(({ start }) => start).sort((a, b) => a - b)).toEqual(
      ranges.map((_, index) => first + index * 4 * MIB),
    );
    expect(first + ranges.length * 4 * MIB).toBeGreaterThanOrEqual(bytes.length);
    expect(ranges.every(({ ifMatch }) => ifMatch === '"x"')).toBe(true);
    expect(await closed.promise).toBeLessThan(first + 8 * MIB);
  });

  it('is ended where parts begin also if no more of it comes', async () => {
    const closed = withResolvers<void>();
    const { store, ranges } = await openTelling(
      async (response) => {
        response.once('close', closed.resolve);
        await write(response, 0, 8 * MIB + 1);
      },
      // A server of one answer at a time would do so.
      async () => void (await closed.promise),
    );
    expect(await read((await slowly(store)).body)).toEqual({ at: bytes.length, isRight: true });
    expect(Math.min(...ranges.map(({ start }) => start))).toBe(8 * MIB);
    // None had to be asked for again after a silence.
    expect(new Set(ranges.map(({ start }) => start)).size).toBe(ranges.length);
  });

  it('goes on in parts from where the answer broke off', async () => {
    const { store, ranges } = await openTelling(breakOff);
    const { body } = await quickly(store)(KEY, options);
    expect(await read(body)).toEqual({ at: bytes.length, isRight: true });
    expect([0, 4 * MIB, 8 * MIB]).toContain(Math.min(...ranges.map(({ start }) => start)));
  });

  it('goes on behind a pause where the store is overloaded after it broke off', async () => {
    let refusals = 0;
    const { store } = await openTelling(breakOff, () => {
      refusals += 1;
      return refusals <= 3 ? 503 : undefined;
    });
    expect(await read((await store.get(KEY, options)).body)).toEqual({ at: bytes.length, isRight: true });
    expect(refusals).toBeGreaterThan(3);
  });

  it('goes on in parts where the answer breaks off after it came slowly', async () => {
    const { store, ranges } = await openTelling(async (response) => {
      await write(response, 0, 5 * MIB);
      await expect.poll(() => ranges.length).toBeGreaterThan(0);
      response.destroy();
    });
    expect(await read((await slowly(store)).body)).toEqual({ at: bytes.length, isRight: true });
    expect(ranges.map(({ start }) => start)).toContain(4 * MIB);
    expect(ranges.map(({ start }) => start)).toContain(8 * MIB);
  });

  it.each(['slowly', 'until it breaks off'])(
    'goes on in parts though it did not tell its length, and comes %s',
    async (how) => {
      const store = await openStore(bytes, (response, _start, { headers }) => {
        if (headers.range !== undefined) return false;
        response.writeHead(200, { etag: '"x"' });
        if (how === 'slowly') response.end(bytes);
        else response.write(bytes.subarray(0, 3 * MIB), () => response.destroy());
        return true;
      });
      const { body } = await (how === 'slowly' ? slowly(store) : quickly(store)(KEY, options));
      expect(await read(body)).toEqual({ at: bytes.length, isRight: true });
    },
  );

  it('is a conflict when another version is stored where it broke off', async () => {
    const { store } = await openTelling(breakOff, () => 412);
    await expect(read((await store.get(KEY, options)).body)).rejects.toMatchObject({ kind: 'CONFLICT' });
  });

  it('stops at once when it is told to', async () => {
    const gone = withResolvers<void>();
    const { store, ranges } = await openTelling(async (response) => {
      response.once('close', gone.resolve);
      await write(response, 0, 6 * MIB);
    });
    const stop = new AbortController();
    const { body } = await quickly(store)(KEY, { ...options, signal: stop.signal });
    const reading = (async () => {
      for await (const chunk of body) {
        giveBack(chunk);
        stop.abort(new Error('enough'));
      }
    })();
    await expect(reading).rejects.toThrow('enough');
    await gone.promise;
    expect(ranges).toEqual([]);
  });

  it('leaves all its memory to others when it is dropped half-way', async () => {
    const { store } = await openTelling((response) => write(response, 0, 11 * MIB));
    const get = quickly(store);
    for (let count = 0; count < 10; count += 1) {
      const { body } = await get(KEY, options);
      const { value } = await body[Symbol.asyncIterator]().next();
      expect(isLent(value)).toBe(true);
      giveBack(value);
      body.destroy();
      await once(body, 'close');
    }
  });
});

function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((onFulfilled) => {
    resolve = onFulfilled;
  });
  return { promise, resolve };
}
