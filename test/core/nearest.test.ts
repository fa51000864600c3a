import { describe, expect, test } from 'vitest';
import { editDistance, isNear, nearest, suggest } from '../../src/core/nearest.ts';
import fc from '../support/property.ts';

describe('editDistance', () => {
  test.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['bukcet', 'bucket', 1],
    ['ab', 'ba', 1],
    ['bucket', 'bucket', 0],
    ['flaw', 'lawn', 2],
  ])('%j and %j are %d apart', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
  });

  const words = fc.string({ maxLength: 12 });

  test('is the same in both directions, 0 only for equal words, and never more than the longer word', () => {
    fc.assert(
      fc.property(words, words, (left, right) => {
        const distance = editDistance(left, right);
        expect(distance).toBe(editDistance(right, left));
        expect(distance === 0).toBe(left === right);
        expect(distance).toBeLessThanOrEqual(Math.max(left.length, right.length));
        expect(distance).toBeGreaterThanOrEqual(Math.abs(left.length - right.length));
      }),
    );
  });

  test('one mistake is a distance of one', () => {
    const word = fc.stringMatching(/^[a-z]{3,12}$/);
    fc.assert(
      fc.property(word, fc.nat(), fc.constantFrom('drop', 'double', 'replace', 'swap'), (text, seed, mistake) => {
        const at = seed % (text.length - 1);
        const [head, char, next, tail] = [text.slice(0, at), text.charAt(at), text.charAt(at + 1), text.slice(at + 2)];
        const mistaken = {
          drop: head + next + tail,
          double: head + char + char + next + tail,
          replace: `${head}#${next}${tail}`,
          swap: head + next + char + tail,
        }[mistake];
        expect(editDistance(text, mistaken)).toBe(mistaken === text ? 0 : 1);
      }),
    );
  });
});

describe('nearest', () => {
  const keys = ['database', 'defaultBackend', 'backends', 'identity', 'limits', 'timeouts'];

  test.each([
    ['databse', 'database'],
    ['DATABASE', 'database'],
    ['backend', 'backends'],
    ['default_backend', 'defaultBackend'],
    ['timeout', 'timeouts'],
  ])('of %j is %j', (word, key) => {
    expect(nearest(word, keys)).toBe(key);
    expect(isNear(word, key)).toBe(true);
    expect(suggest(word, keys)).toContain(`Did you mean "${key}"?`);
  });

  test('a word far from all of them is told all of them, without a guess', () => {
    expect(suggest('zzzzzzzzzzzz', keys)).toBe(`Valid: ${keys.join(', ')}.`);
  });

  test('there is none among none', () => {
    expect(nearest('x', [])).toBeUndefined();
  });

  test('a mistyped key finds itself, as long as no other is as near', () => {
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.nat(), (key, seed) => {
        const at = seed % key.length;
        expect(nearest(key.slice(0, at) + key.slice(at + 1), keys)).toBe(key);
      }),
    );
  });

  test('a word of any length costs little', () => {
    expect(nearest('x'.repeat(200_000), keys)).toBeDefined();
  });
});
