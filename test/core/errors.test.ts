import { describe, expect, test } from 'vitest';
import { AssetError, ERROR_CODES, toFailure } from '../../src/core/errors.ts';

describe('AssetError', () => {
  test('carries code, hint, details and cause', () => {
    const cause = new Error('below');
    const error = new AssetError('UNAVAILABLE', 'away', { hint: 'wait', details: { backend: 'b' }, cause });
    expect(error).toMatchObject({ name: 'AssetError', code: 'UNAVAILABLE', message: 'away', hint: 'wait', cause });
    expect(error.details).toEqual({ backend: 'b' });
    expect(error).toBeInstanceOf(Error);
  });

  test('has no cause where none is given', () => {
    expect(Object.hasOwn(new AssetError('USAGE', 'x'), 'cause')).toBe(false);
  });
});

test('each code is there once', () => {
  expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
});

describe('toFailure', () => {
  test.each([
    [new AssetError('FILE_EMPTY', 'empty'), { code: 'FILE_EMPTY', message: 'empty' }],
    [
      new AssetError('FILE_EMPTY', 'empty', { hint: 'fill it' }),
      { code: 'FILE_EMPTY', message: 'empty', hint: 'fill it' },
    ],
    [new TypeError('a bug'), { code: 'UNEXPECTED', message: 'a bug' }],
    ['a word', { code: 'UNEXPECTED', message: 'a word' }],
    [undefined, { code: 'UNEXPECTED', message: 'undefined' }],
  ])('describes %o', (thrown, record) => {
    expect(toFailure(thrown)).toEqual(record);
  });
});
