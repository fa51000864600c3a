import { expect, test } from 'vitest';
import { createTurns } from '../../src/http/turns.ts';

function work(milliseconds: number): void {
  const ends = performance.now() + milliseconds;
  while (performance.now() < ends);
}

test('requests of one long turn are spread over several, in their order', async () => {
  const turns = createTurns(2);
  const order: number[] = [];
  let turnsSeen = 0;
  let isOver = false;
  const count = (): void => {
    turnsSeen += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const request = async (index: number): Promise<void> => {
    // As sockets do: each in a callback of its own, one behind the other in the same turn.
    await new Promise((resolve) => setTimeout(resolve, 1));
    await turns();
    order.push(index);
    work(1);
  };
  await Promise.all(Array.from({ length: 40 }, (_, index) => request(index)));
  isOver = true;
  expect(order).toEqual(Array.from({ length: 40 }, (_, index) => index));
  expect(turnsSeen).toBeGreaterThan(8);
});

test('a request that comes alone does not wait', () => {
  expect(createTurns(2)()).toBeUndefined();
});
