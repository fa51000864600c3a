import { describe, expect, test } from 'vitest';
import { checkId, type IdKind } from '../../src/core/identity.ts';
import fc from '../support/property.ts';

describe('checkId', () => {
  test.each(['a', 'Z9', 'acme', 'ada@example.com', 'uid-1000', 'a.b_c-d@e', '0', 'x'.repeat(64), 'publicity'])(
    'accepts %j',
    (value) => {
      expect(checkId('organization', value)).toBe(value);
    },
  );

  test.each<[string, IdKind]>([
    ['', 'user'],
    ['-', 'user'],
    ['.', 'organization'],
    ['..', 'organization'],
    ['.hidden', 'project'],
    ['a.', 'organization'],
    ['_x', 'project'],
    ['a b', 'user'],
    ['a/b', 'organization'],
    ['a\\b', 'organization'],
    ['a\n', 'user'],
    ['a\0', 'user'],
    ['é', 'user'],
    ['Ａ', 'user'],
    ['x'.repeat(65), 'user'],
  ])('refuses %j', (value, kind) => {
    expect(() => checkId(kind, value)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(kind) }),
    );
  });

  test.each(['public', 'Public', 'PUBLIC', 'quarantine', 'QuaranTine'])('keeps %j for itself', (value) => {
    expect(() => checkId('organization', value)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('reserved') }),
    );
  });

  test('accepts nothing that is more than one path segment', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        try {
          checkId('user', value);
        } catch {
          return;
        }
        expect(value).toMatch(/^[\w.@-]{1,64}$/);
        expect(value).not.toMatch(/^\./);
      }),
    );
  });
});
