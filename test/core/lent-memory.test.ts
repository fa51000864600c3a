import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createLender, giveBack, isLent } from '../../src/core/lent-memory.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

describe('lent memory', () => {
  it('is lent up to a number of pieces, and again when it was given back', () => {
    const lend = createLender(8, 2);
    const [first, second] = [lend(), lend()];
    expect(first?.memory).toHaveLength(8);
    expect(second?.memory.buffer).not.toBe(first?.memory.buffer);
    expect(lend()).toBeUndefined();
    giveBack(first?.memory.subarray(0, 3) ?? Buffer.alloc(0));
    expect(lend()?.memory).toBe(first?.memory);
    expect(lend()).toBeUndefined();
  });

  it('comes back once', () => {
    const lend = createLender(8, 2);
    const loan = lend();
    const memory = loan?.memory ?? Buffer.alloc(0);
    expect(isLent(memory)).toBe(true);
    giveBack(memory);
    giveBack(memory);
    expect(isLent(memory)).toBe(false);
    expect([lend(), lend(), lend()].map((each) => each !== undefined)).toEqual([true, true, false]);
  });

  it('stays with whoever has it when it is forgotten, and counts until nobody has', async () => {
    const lend = createLender(8, 1);
    (() => {
      const loan = lend();
      loan?.forget();
      giveBack(loan?.memory ?? Buffer.alloc(0));
      loan?.giveBack();
      expect(lend()).toBeUndefined();
    })();
    await expect
      .poll(() => {
        collectGarbage();
        return lend();
      })
      .toBeDefined();
  });

  it('is not taken from the next one by whoever had it before', () => {
    const lend = createLender(8, 1);
    const before = lend();
    giveBack(before?.memory ?? Buffer.alloc(0));
    const now = lend();
    before?.forget();
    before?.giveBack();
    expect(isLent(now?.memory ?? Buffer.alloc(0))).toBe(true);
    expect(lend()).toBeUndefined();
  });

  it('comes to an end with its last user where that never gave it back', async () => {
    const lend = createLender(8, 1);
    expect(lend()).toBeDefined();
    expect(lend()).toBeUndefined();
    await expect
      .poll(() => {
        collectGarbage();
        return lend();
      })
      .toBeDefined();
  });

  it('is none of what was never lent', () => {
    expect(isLent(Buffer.alloc(8))).toBe(false);
    giveBack(Buffer.alloc(8));
  });
});
