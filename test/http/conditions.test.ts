import { describe, expect, test } from 'vitest';
import { acceptsGzip, judgeConditions } from '../../src/http/conditions.ts';
import fc from '../support/property.ts';

const CONTENT = { etag: '"abc"', size: 10 };
const whole = { kind: 'whole' };
const part = (start: number, end: number) => ({ kind: 'part', range: { start, end } });

describe('a range', () => {
  test.each([
    ['bytes=0-0', part(0, 0)],
    ['bytes=2-5', part(2, 5)],
    ['bytes=2-', part(2, 9)],
    ['bytes=0-9', part(0, 9)],
    ['bytes=0-999', part(0, 9)],
    ['bytes=9-', part(9, 9)],
    ['bytes=-3', part(7, 9)],
    ['bytes=-999', part(0, 9)],
    ['bytes=10-', { kind: 'unsatisfiable' }],
    ['bytes=999999999999999-', { kind: 'unsatisfiable' }],
    ['bytes=-0', { kind: 'unsatisfiable' }],
    ['bytes=5-2', whole],
    ['bytes=-', whole],
    ['bytes=0-1,3-4', whole],
    ['bytes=a-b', whole],
    ['bytes=1', whole],
    ['items=0-1', whole],
    ['bytes=99999999999999999999999-', whole],
    ['', whole],
  ])('%s', (range, expected) => {
    expect(judgeConditions({ range }, CONTENT)).toEqual(expected);
  });

  test('is never outside the content, whatever the header', () => {
    const header = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `bytes=${a}-${b}`),
    );
    fc.assert(
      fc.property(header, fc.integer({ min: 1, max: 50 }), (range, size) => {
        const wanted = judgeConditions({ range }, { etag: '"x"', size });
        if (wanted.kind !== 'part') return;
        const { start, end } = wanted.range;
        expect(0 <= start && start <= end && end < size).toBe(true);
      }),
    );
  });

  test.each([
    ['"abc"', part(0, 1)],
    ['W/"abc"', whole],
    ['"other"', whole],
    ['Thu, 26 Nov 2026 00:00:00 GMT', whole],
  ])('If-Range: %s', (condition, expected) => {
    expect(judgeConditions({ range: 'bytes=0-1', 'if-range': condition }, CONTENT)).toEqual(expected);
  });
});

test.each([
  ['"abc"', 'unchanged'],
  ['W/"abc"', 'unchanged'],
  ['"x", "abc"', 'unchanged'],
  ['*', 'unchanged'],
  ['"x"', 'whole'],
  ['abc', 'whole'],
])('If-None-Match: %s', (known, kind) => {
  expect(judgeConditions({ 'if-none-match': known }, CONTENT).kind).toBe(kind);
});

test.each([
  ['gzip', true],
  ['br, GZIP;q=0.3', true],
  ['deflate, * ; q=0.1', true],
  ['gzip;q=0, *', false],
  ['gzip; q=0.0', false],
  ['gzip;q=nonsense', false],
  ['identity', false],
  ['x-gzip', false],
  ['', false],
  [undefined, false],
])('Accept-Encoding: %s takes gzip: %s', (header, expected) => {
  expect(acceptsGzip(header)).toBe(expected);
});
