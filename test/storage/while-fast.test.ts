import { describe, expect, it } from 'vitest';
import { StorageError } from '../../src/storage/storage-error.ts';
import { whileFast } from '../../src/storage/while-fast.ts';

const MIB = 2 ** 20;
const PIECE = new Uint8Array(4 * MIB);

/** Reads a body of pieces that take so long to come, by a reader that takes so long for each. */
async function read(waits: readonly number[], readerTakes: number, failure?: Error) {
  let clock = 0;
  const slowAt: number[] = [];
  async function* body() {
    for (const wait of waits) {
      clock += wait;
      yield PIECE;
    }
    if (failure !== undefined) throw failure;
  }
  const onSlow = (at: number) => {
    slowAt.push(at);
    return at + 6 * MIB;
  };
  const chunks = whileFast(body(), { now: () => clock, onSlow });
  const sizes: number[] = [];
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) return { sizes: sizes.map((size) => size / MIB), slowAt, came: next.value / MIB };
    clock += readerTakes;
    sizes.push(next.value.byteLength);
  }
}

describe('a body that is read while it comes fast', () => {
  it('ends with what its reader ends it with, though that might pass', async () => {
    async function* body() {
      yield PIECE;
      yield PIECE;
    }
    const chunks = whileFast(body(), { now: () => 0, onSlow: (at) => at });
    await chunks.next();
    const failure = new StorageError('UNAVAILABLE', 'the target is away', { backend: 'other' });
    await expect(chunks.throw(failure)).rejects.toBe(failure);
  });

  it('comes to its end, also to a reader that is slow', async () => {
    const fast = { sizes: [4, 4, 4, 4, 4], slowAt: [], came: 20 };
    expect(await read([10, 10, 10, 10, 10], 0)).toEqual(fast);
    expect(await read([10, 10, 10, 10, 10], 10_000)).toEqual(fast);
  });

  it('is slow once its reader has waited for it longer than a pause and its bytes explain', async () => {
    expect((await read([115, 15, 15], 0)).slowAt).toEqual([]);
    expect((await read([116, 15, 15], 0)).slowAt).toEqual([4 * MIB]);
    expect((await read([10, 10, 200, 10, 10], 0)).slowAt).toEqual([12 * MIB]);
  });

  it('ends where it was told to when it came slowly, within a piece', async () => {
    expect(await read([1000, 1000, 1000, 1000], 0)).toEqual({ sizes: [4, 4, 2], slowAt: [4 * MIB], came: 10 });
  });

  it('ends where it broke off, if the call may succeed later', async () => {
    const context = { backend: 's3', retryable: true };
    const passing = new StorageError('UNAVAILABLE', 'gone', context);
    expect(await read([1, 1], 0, passing)).toEqual({ sizes: [4, 4], slowAt: [], came: 8 });
    const lasting = new StorageError('DENIED', 'no', { ...context, retryable: false });
    await expect(read([1, 1], 0, lasting)).rejects.toBe(lasting);
    await expect(read([1, 1], 0, new Error('stopped'))).rejects.toThrow('stopped');
  });
});
