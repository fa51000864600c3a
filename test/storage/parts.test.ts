import { expect, it } from 'vitest';
import { createLender, isLent } from '../../src/core/lent-memory.ts';
import { guardBody } from '../../src/storage/guarded-body.ts';
import { createPartPool, type Part, readParts } from '../../src/storage/parts.ts';
import { collect } from '../support/bodies.ts';

const MIB = 2 ** 20;
const PART = 8;

it('memory for parts of any size is used again', async () => {
  const pool = createPartPool();
  const large = await pool.acquire(9 * MIB);
  pool.release(large);
  const again = await pool.acquire(9 * MIB);
  expect(again === large).toBe(true);
  pool.release(again);
  const smaller = await pool.acquire(MIB);
  expect(smaller === large).toBe(true);
  const standard = await pool.acquire(MIB);
  expect(standard.length).toBe(8 * MIB);
  pool.release(smaller);
  pool.release(standard);
  expect((await pool.acquire(9 * MIB)) === large).toBe(true);
});

it('memory for parts is given up for larger, so that there are never more pieces than may be in use', async () => {
  const pool = createPartPool();
  const small = await Promise.all(Array.from({ length: 4 }, () => pool.acquire(MIB)));
  for (const buffer of small) pool.release(buffer);
  const large = await Promise.all(Array.from({ length: 4 }, () => pool.acquire(9 * MIB)));
  for (const buffer of large) pool.release(buffer);
  const last = await Promise.all(Array.from({ length: 4 }, () => pool.acquire(MIB)));
  expect(last.map((buffer) => large.indexOf(buffer)).sort()).toEqual([0, 1, 2, 3]);
});

it('lent memory that holds a part is the part, and is given back when that is done', async () => {
  const lend = createLender(PART, 3);
  const chunks = [lentChunk(lend, 1), lentChunk(lend, 2), lentChunk(lend, 3).subarray(0, 5)];
  const read = await partsOf(chunks);
  expect(read.map(({ part }) => [part.number, part.offset, part.bytes.byteLength])).toEqual([
    [1, 0, 8],
    [2, 8, 8],
    [3, 16, 5],
  ]);
  expect(read.map(({ part }) => part.bytes.buffer)).toEqual(chunks.map(({ buffer }) => buffer));
  expect(lend()).toBeUndefined();
  for (const { done } of read) done();
  expect(chunks.some(isLent)).toBe(false);
});

it('what lies across the bounds of parts is put together, and its lent memory given back at once', async () => {
  const lend = createLender(PART, 2);
  const chunks = [Buffer.from([7, 7]), lentChunk(lend, 1), lentChunk(lend, 2)];
  const read = await partsOf(chunks);
  expect(read.map(({ part }) => [...part.bytes])).toEqual([
    [7, 7, 1, 1, 1, 1, 1, 1],
    [1, 1, 2, 2, 2, 2, 2, 2],
    [2, 2],
  ]);
  expect(chunks.some(isLent)).toBe(false);
});

it('a chunk that nobody lent is copied: its source may use its memory again', async () => {
  const chunk = Buffer.alloc(PART, 1);
  const [read] = await partsOf([chunk]);
  chunk.fill(2);
  expect([...(read?.part.bytes ?? [])]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
});

it('parts in lent memory have as many turns at once as others', async () => {
  const pool = createPartPool();
  const lend = createLender(PART, 5);
  const parts = readParts({
    body: bodyOf(Array.from({ length: 5 }, (_, index) => lentChunk(lend, index))),
    pool,
    partSize: PART,
  });
  const first = await Promise.all(Array.from({ length: 4 }, () => parts.next()));
  const last = parts.next();
  expect(await Promise.race([last, nextTurn()])).toBe('waits');
  first[0]?.value?.done();
  expect((await last).value?.part.number).toBe(5);
});

function lentChunk(lend: ReturnType<typeof createLender>, value: number): Buffer {
  return lend()?.memory.fill(value) ?? Buffer.alloc(0);
}

function bodyOf(chunks: readonly Buffer[]) {
  async function* open() {
    yield* chunks;
  }
  const size = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return guardBody({ size, open }, { backend: 'store', key: 'key' });
}

async function partsOf(chunks: readonly Buffer[]): Promise<{ part: Part; done: () => void }[]> {
  return collect(readParts({ body: bodyOf(chunks), pool: createPartPool(), partSize: PART }));
}

function nextTurn(): Promise<string> {
  return new Promise((resolve) => setImmediate(() => resolve('waits')));
}
