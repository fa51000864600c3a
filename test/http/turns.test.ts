import { expect, test } from 'vitest';
import { createTurns, type Kind } from '../../src/http/turns.ts';

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
    await turns('read');
    order.push(index);
    work(1);
  };
  await Promise.all(Array.from({ length: 40 }, (_, index) => request(index)));
  isOver = true;
  expect(order).toEqual(Array.from({ length: 40 }, (_, index) => index));
  expect(turnsSeen).toBeGreaterThan(8);
});

test('a request that comes alone does not wait', () => {
  expect(createTurns(2)('read')).toBeUndefined();
});

test('one kind of requests does not wait for all of another, and none before the checks', async () => {
  const turns = createTurns(2);
  const order: string[] = [];
  const request = async (kind: Kind): Promise<void> => {
    await turns(kind);
    order.push(kind);
    work(1);
  };
  // The turn is over before any of them comes.
  turns('read');
  work(3);
  const kinds: Kind[] = [...Array.from({ length: 20 }, () => 'read' as const), 'write', 'write', 'check'];
  await Promise.all(kinds.map(request));
  expect(order.indexOf('check')).toBe(0);
  expect(order.lastIndexOf('write')).toBeLessThan(6);
  expect(order).toHaveLength(kinds.length);
});
