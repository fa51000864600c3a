import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { batchExitCode, EXIT_CODES, exitCodeOf } from '../../src/cli/exit-codes.ts';
import { TOPICS } from '../../src/cli/help/topics.ts';
import { AssetError, ERROR_CODES, type ErrorCode } from '../../src/core/errors.ts';

test('every error code has an exit status, and no other', () => {
  expect(Object.keys(EXIT_CODES).sort()).toEqual([...ERROR_CODES].sort());
  expect(Object.values(EXIT_CODES)).not.toContain(0);
});

test('every exit status is explained by help exit-codes and in the README', () => {
  const help = TOPICS['exit-codes']?.text ?? '';
  const readme = readFileSync('README.md', 'utf8');
  for (const code of new Set([0, ...Object.values(EXIT_CODES)])) {
    expect(help).toMatch(new RegExp(`^ +${code}  `, 'm'));
    expect(readme).toMatch(new RegExp(`\\| ${code}[ /]`));
  }
});

test('an error that is not ours is a bug', () => {
  expect(exitCodeOf(new Error('surprise'))).toBe(1);
  expect(exitCodeOf('surprise')).toBe(1);
  expect(exitCodeOf(new AssetError('TARGET_EXISTS', 'there'))).toBe(11);
});

describe('a batch', () => {
  const cases: [string, number, ErrorCode[], number][] = [
    ['nothing to do', 0, [], 0],
    ['all went well', 3, [], 0],
    ['one item, its code', 1, ['FILE_EMPTY'], 6],
    ['all failed with one exit code', 2, ['FILE_EMPTY', 'TYPE_NOT_ALLOWED'], 6],
    ['all failed with different codes', 2, ['FILE_EMPTY', 'TARGET_EXISTS'], 9],
    ['some went well', 3, ['FILE_EMPTY'], 9],
    ['interrupted beats all', 4, ['BYTES_DAMAGED', 'UNEXPECTED', 'INTERRUPTED'], 130],
    ['a bug beats a virus', 4, ['VIRUS_FOUND', 'UNEXPECTED'], 1],
    ['a virus beats damage', 4, ['BYTES_MISSING', 'VIRUS_FOUND', 'FILE_EMPTY'], 7],
    ['damage beats the rest, though some went well', 4, ['BYTES_MISSING', 'FILE_EMPTY'], 10],
  ];
  test.each(cases)('%s', (_name, total, failures, expected) => {
    expect(batchExitCode(total, failures)).toBe(expected);
  });
});
