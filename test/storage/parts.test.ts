import { expect, it } from 'vitest';
import { createPartPool } from '../../src/storage/parts.ts';

const MIB = 2 ** 20;

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
