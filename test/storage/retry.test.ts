import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { openLocalBackend } from '../../src/storage/local/local-backend.ts';
import { withRetries } from '../../src/storage/retry.ts';
import { StorageError, type StorageErrorOptions } from '../../src/storage/storage-error.ts';
import { collect, memoryBody, readAll, sampleBytes } from '../support/bodies.ts';

const KEY = parseStorageKey('org/file');
const FAST = { deadline: 2000, shortestPause: 1, longestPause: 5 };

let root: string;
let real: StorageBackend;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'asset-cli-retry-'));
  real = openLocalBackend({ name: 'real', path: root });
});

afterEach(() => rm(root, { recursive: true, force: true }));

function unavailable(options: Partial<StorageErrorOptions> = {}): StorageError {
  return new StorageError('UNAVAILABLE', 'the network failed', { backend: 'real', ...options });
}

/** Fails the first calls, by the real backend's side effects before or after. */
function flaky(failures: number, overrides: (fail: () => void) => Partial<StorageBackend>): StorageBackend {
  let left = failures;
  const fail = () => {
    left -= 1;
    if (left >= 0) throw unavailable();
  };
  return withRetries({ ...real, ...overrides(fail) }, FAST);
}

describe('a call that fails for a while', () => {
  it('is repeated until it succeeds', async () => {
    const store = flaky(3, (fail) => ({
      stat: async (key) => {
        fail();
        return real.stat(key);
      },
    }));
    await real.put(KEY, memoryBody('x'));
    expect(await store.stat(KEY)).toMatchObject({ size: 1 });
  });

  it('is given up at the deadline, and not marked as retryable any more', async () => {
    let calls = 0;
    const broken = {
      ...real,
      stat: async () => {
        calls += 1;
        throw unavailable({ requestId: 'id-7' });
      },
    };
    const store = withRetries(broken, { deadline: 60, shortestPause: 10, random: () => 1 });
    await expect(store.stat(KEY)).rejects.toMatchObject({ kind: 'UNAVAILABLE', retryable: false, requestId: 'id-7' });
    expect(calls).toBe(3);
  });

  it('waits as long as the provider asks, or gives up if that is too long', async () => {
    const times: number[] = [];
    const busy = (wait: number) => ({
      ...real,
      stat: async () => {
        times.push(performance.now());
        if (times.length === 1) throw unavailable({ retryAfterMilliseconds: wait });
        return real.stat(KEY);
      },
    });
    await real.put(KEY, memoryBody('x'));
    await withRetries(busy(150), FAST).stat(KEY);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(149);
    times.length = 0;
    await expect(withRetries(busy(60_000), FAST).stat(KEY)).rejects.toMatchObject({ kind: 'UNAVAILABLE' });
    expect(times).toHaveLength(1);
  });

  it('ends when it is aborted while it waits', async () => {
    const controller = new AbortController();
    const store = withRetries(
      { ...real, stat: () => Promise.reject(unavailable({ retryAfterMilliseconds: 60_000 })) },
      { deadline: 120_000 },
    );
    const waiting = store.stat(KEY, { signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('is not repeated if that cannot help', async () => {
    const store = flaky(0, () => ({}));
    await expect(store.stat(KEY)).rejects.toMatchObject({ kind: 'NOT_FOUND' });
  });
});

describe('a put whose answer was lost', () => {
  const losingAnswers = (fail: () => void): Partial<StorageBackend> => ({
    put: async (key, body, options) => {
      const stored = await real.put(key, body, options);
      fail();
      return stored;
    },
  });

  it('is settled by what is stored', async () => {
    const store = flaky(1, losingAnswers);
    expect(await store.put(KEY, memoryBody('mine'), { ifAbsent: true })).toMatchObject({ size: 4 });
  });

  it('is a CONFLICT if something else is stored', async () => {
    const store = flaky(1, (fail) => ({
      put: async (key, body, options) => {
        fail();
        return real.put(key, body, options);
      },
    }));
    await real.put(KEY, memoryBody("another's"));
    await expect(store.put(KEY, memoryBody('mine'), { ifAbsent: true })).rejects.toMatchObject({ kind: 'CONFLICT' });
  });

  it('is a CONFLICT at the first attempt, without a look', async () => {
    await real.put(KEY, memoryBody('mine'));
    const store = flaky(0, losingAnswers);
    await expect(store.put(KEY, memoryBody('mine'), { ifAbsent: true })).rejects.toMatchObject({ kind: 'CONFLICT' });
  });
});

describe('a body that breaks', () => {
  const breaking =
    (after: number) =>
    (fail: () => void): Partial<StorageBackend> => ({
      get: async (key, options) => {
        const { object, body } = await real.get(key, options);
        const bytes = await readAll(body);
        async function* chunks() {
          yield bytes.subarray(0, after);
          fail();
          yield bytes.subarray(after);
        }
        return { object, body: Readable.from(chunks(), { objectMode: false }) };
      },
    });

  it('is resumed where it broke, also inside a range', async () => {
    const bytes = sampleBytes(1000);
    await real.put(KEY, memoryBody(bytes));
    const whole = await flaky(5, breaking(100)).get(KEY);
    expect((await readAll(whole.body)).equals(bytes)).toBe(true);
    const part = await flaky(2, breaking(7)).get(KEY, { range: { start: 50, end: 99 } });
    expect((await readAll(part.body)).equals(bytes.subarray(50, 100))).toBe(true);
  });

  it('is given up at the deadline, after pauses, if each answer breaks off at once', async () => {
    const bytes = sampleBytes(1000);
    await real.put(KEY, memoryBody(bytes));
    let gets = 0;
    const cut = {
      ...real,
      get: async (...args: Parameters<StorageBackend['get']>) => {
        gets += 1;
        const { object } = await real.get(...args);
        const body = new Readable({ read: () => body.destroy(unavailable()) });
        return { object, body };
      },
    };
    const store = withRetries(cut, { deadline: 60, shortestPause: 10, random: () => 1 });
    await expect(store.get(KEY).then(({ body }) => readAll(body))).rejects.toMatchObject({
      kind: 'UNAVAILABLE',
      retryable: false,
    });
    // With pauses of 10, 20 and 40 ms no more begin before the deadline.
    expect(gets).toBeLessThanOrEqual(3);
  });

  it('is not asked for again because its reader fails', async () => {
    await real.put(KEY, memoryBody(sampleBytes(2 ** 20)));
    let gets = 0;
    const store = flaky(0, () => ({
      get: async (...args) => {
        gets += 1;
        const { object, body } = await real.get(...args);
        const bytes = await readAll(body);
        const halves = [bytes.subarray(0, 2 ** 19), bytes.subarray(2 ** 19)];
        return { object, body: Readable.from(halves, { objectMode: false }) };
      },
    }));
    const { body } = await store.get(KEY);
    const failing = async () => {
      for await (const _ of body) body.destroy(unavailable());
    };
    await expect(failing()).rejects.toThrow('the network failed');
    await nextTurn();
    expect(gets).toBe(1);
  });

  it('is not continued with another version', async () => {
    await real.put(KEY, memoryBody(sampleBytes(1000)));
    const { body } = await flaky(1, breaking(100)).get(KEY);
    await real.put(KEY, memoryBody(sampleBytes(1000, 2)));
    await expect(readAll(body)).rejects.toMatchObject({ kind: 'CONFLICT' });
  });
});

describe('lists and batches', () => {
  it('go on after the last key that was given', async () => {
    const keys = Array.from({ length: 20 }, (_, index) => parseStorageKey(`k/${String(index).padStart(2, '0')}`));
    for (const key of keys) await real.put(key, memoryBody('x'));
    const store = flaky(3, (fail) => ({
      async *list(prefix, options) {
        let given = 0;
        for await (const object of real.list(prefix, options)) {
          yield object;
          given += 1;
          if (given === 4) fail();
        }
      },
    }));
    expect((await collect(store.list('k/'))).map((object) => object.key)).toEqual(keys);
  });

  it('of stretches go on after the last one', async () => {
    const text = (last: string) => ({ text: `${last}\n1 1-1\n`, count: 1, last, objects: () => [] });
    const asked: (string | undefined)[] = [];
    const store = flaky(1, (fail) => ({
      async *listStretches(prefix, { startAfter } = {}) {
        asked.push(prefix, startAfter);
        if (startAfter === undefined) yield text('k/1');
        if (startAfter === undefined) fail();
        yield text('k/2');
      },
    }));
    expect((await collect(store.listStretches?.('k/'))).map(({ last }) => last)).toEqual(['k/1', 'k/2']);
    expect(asked).toEqual(['k/', undefined, 'k/', 'k/1']);
  });

  it('repeat only the keys that failed', async () => {
    const asked: string[][] = [];
    const store = flaky(1, (fail) => ({
      deleteMany: async (keys) => {
        asked.push([...keys]);
        try {
          fail();
        } catch (error) {
          const failed = keys.filter((key) => key.endsWith('2'));
          return failed.map((key) => ({ key, error: error as Error }));
        }
        return [];
      },
    }));
    expect(await store.deleteMany([parseStorageKey('k1'), parseStorageKey('k2')])).toEqual([]);
    expect(asked).toEqual([['k1', 'k2'], ['k2']]);
  });
});
