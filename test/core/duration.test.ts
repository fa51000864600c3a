import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/core/duration.ts';
import { AssetError } from '../../src/core/errors.ts';
import fc from '../support/property.ts';

describe('parseDuration', () => {
  test.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['36h', 129_600_000],
    ['30d', 2_592_000_000],
    ['12w', 7_257_600_000],
    ['0s', 0],
    [' 5m ', 300_000],
  ])('reads %j', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(['', '5', 's', '-5s', '+5s', '1.5h', '5 s', '5S', '5ms', '1h30m', '٥s', '1e3s', '5s\n5s', '9999999999s'])(
    'refuses %j',
    (text) => {
      expect(() => parseDuration(text)).toThrow(
        expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('90s') }),
      );
    },
  );

  test('never gives a number that timers or dates cannot take exactly', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseDuration(text)).toSatisfy(Number.isSafeInteger);
        } catch (error) {
          expect(error).toBeInstanceOf(AssetError);
        }
      }),
    );
  });
});

describe('formatDuration', () => {
  test.each([
    [86_400_000, '1d'],
    [90_000, '90s'],
    [604_800_000, '1w'],
    [5_400_000, '90m'],
    [1500, '1.5s'],
    [0, '0s'],
  ])('writes %d as %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  test('writes every duration so that it is read as the same', () => {
    const durations = fc.tuple(fc.nat({ max: 999_999_999 }), fc.constantFrom('s', 'm', 'h', 'd', 'w'));
    fc.assert(
      fc.property(durations, ([count, unit]) => {
        const milliseconds = parseDuration(`${count}${unit}`);
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });
});
