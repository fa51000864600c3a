import { describe, expect, test } from 'vitest';
import { formatSize, parseSize } from '../../src/core/size.ts';
import fc from '../support/property.ts';

describe('parseSize', () => {
  test.each([
    ['0', 0],
    ['1024', 1024],
    ['10B', 10],
    ['64KiB', 65_536],
    ['50MiB', 52_428_800],
    ['2GB', 2_000_000_000],
    ['2gb', 2_000_000_000],
    ['1.5 MiB', 1_572_864],
    ['1TiB', 1_099_511_627_776],
    ['1TB', 1_000_000_000_000],
    [' 7 KB ', 7000],
  ])('reads %j', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each([
    '',
    ' ',
    'MiB',
    '-1',
    '+1',
    '1e6',
    '1.2.3',
    '50MX',
    '50 M iB',
    '5K',
    '5Ki',
    '5iB',
    '1_000',
    '١',
    `${'9'.repeat(15)}TB`,
    'NaN',
    'Infinity',
  ])('refuses %j', (text) => {
    expect(() => parseSize(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('64KiB') }),
    );
  });

  test('reads every whole number of bytes as itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999_999 }), (bytes) => {
        expect(parseSize(String(bytes))).toBe(bytes);
        expect(parseSize(`${bytes}B`)).toBe(bytes);
      }),
    );
  });
});

describe('formatSize', () => {
  test.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [52_428_800, '50.0 MiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [1024 ** 3 - 1, '1.0 GiB'],
    [200 * 1024, '200 KiB'],
    [1024 ** 5, '1024 TiB'],
  ])('writes %d as %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  test('never shows a number of four digits below the largest unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1024, max: 1024 ** 5 - 1 }), (bytes) => {
        expect(formatSize(bytes)).toMatch(/^\d{1,3}(?:\.\d)? [KMGT]iB$|^10[0-2]\d TiB$/);
      }),
    );
  });

  test('is read back within the digits that it shows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1024 ** 4 }), (bytes) => {
        expect(Math.abs(parseSize(formatSize(bytes)) - bytes)).toBeLessThanOrEqual(bytes * 0.05);
      }),
    );
  });
});
