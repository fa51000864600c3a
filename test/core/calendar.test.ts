import { expect, test } from 'vitest';
import { parseTime } from '../../src/core/calendar.ts';

test.each([
  ['2026-11-24', '2026-11-24T00:00:00.000Z'],
  ['2026-11-24T18:00', '2026-11-24T18:00:00.000Z'],
  ['2026-11-24T18:00:00.1239', '2026-11-24T18:00:00.123Z'],
  ['2026-11-24T18:00:00+01:00', '2026-11-24T17:00:00.000Z'],
  ['0001-01-01', '0001-01-01T00:00:00.000Z'],
  ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
])('%s is %s, wherever we are', (text, time) => {
  expect(parseTime(text)).toBe(time);
});

test.each([
  '',
  'now',
  '2026',
  '1',
  '24 Nov 2026',
  '2026-02-31',
  '2026-11-24T25:00',
  '2026-11-24 18:00:00',
  '9999-12-31T23:59:59-00:01',
  '0001-01-01T00:00:00+00:01',
  '0000-12-31',
  '+010000-01-01T00:00:00.000Z',
])('%j is none that is kept', (text) => {
  expect(() => parseTime(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
