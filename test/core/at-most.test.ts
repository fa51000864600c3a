import { describe, expect, it } from 'vitest';
import { atMost } from '../../src/core/at-most.ts';

/** Work that ends when it is told to. */
function gate() {
  let end = (_text: string): void => undefined;
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  return { work: () => ended, end: (text: string) => end(text) };
}

describe('atMost', () => {
  it('begins so much work at once, and the rest in its order as places fall free', async () => {
    const inTurn = atMost(2);
    const begun: number[] = [];
    const gates = [gate(), gate(), gate(), gate()];
    const results = gates.map(({ work }, index) =>
      inTurn(() => {
        begun.push(index);
        return work();
      }),
    );
    expect(begun).toEqual([0, 1]);

    gates[1]?.end('second');
    expect(await results[1]).toBe('second');
    expect(begun).toEqual([0, 1, 2]);

    gates[0]?.end('first');
    await results[0];
    expect(begun).toEqual([0, 1, 2, 3]);

    for (const { end } of gates) end('late');
    expect(await Promise.all(results)).toEqual(['first', 'second', 'late', 'late']);
  });

  it('gives the place of what fails to the next, and the failure to whoever asked', async () => {
    const inTurn = atMost(1);
    const failing = inTurn(() => Promise.reject(new Error('no')));
    const throwing = inTurn(() => {
      throw new Error('not even begun');
    });
    const next = inTurn(async () => 'done');
    await expect(failing).rejects.toThrow('no');
    await expect(throwing).rejects.toThrow('not even begun');
    expect(await next).toBe('done');
  });

  it('has as many places as before when all work is done', async () => {
    const inTurn = atMost(3);
    let underWay = 0;
    let most = 0;
    const busy = async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
    };
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 10 }, () => inTurn(busy)));
      expect(most).toBe(3);
      most = 0;
    }
  });
});
