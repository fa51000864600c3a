import pg from 'pg';
import { describe, expect, it } from 'vitest';
import {
  afterPrefix,
  type GlobToken,
  isPrefix,
  literalPrefix,
  parseGlob,
  toPostgresPattern,
  toSqliteGlob,
} from '../../src/catalog/glob.ts';
import fc from '../support/property.ts';
import { describeWithService } from '../support/services/index.ts';
import { Sqlite } from '../support/sqlite-driver.ts';

/** The meaning of a glob, as slowly and plainly as can be. */
function matches(tokens: readonly GlobToken[], characters: readonly string[]): boolean {
  const [token, ...rest] = tokens;
  if (token === undefined) return characters.length === 0;
  if (token.kind === 'any') {
    return matches(rest, characters) || (characters.length > 0 && matches(tokens, characters.slice(1)));
  }
  if (token.kind === 'text') {
    const text = [...token.text];
    return (
      text.every((character, index) => characters[index] === character) && matches(rest, characters.slice(text.length))
    );
  }
  const [first, ...others] = characters;
  if (first === undefined) return false;
  return (token.kind === 'one' || inSet(token, first)) && matches(rest, others);
}

function inSet(token: GlobToken & { kind: 'set' }, character: string): boolean {
  const point = character.codePointAt(0) ?? 0;
  const found = token.members.some(
    ({ from, to }) => point >= (from.codePointAt(0) ?? 0) && point <= (to.codePointAt(0) ?? 0),
  );
  return found !== token.negated;
}

const characters = fc.constantFrom('a', 'b', 'c', '*', '?', '[', ']', '^', '!', '-', '\\', 'ü', '\u{1F600}', '.', '%');
const texts = fc.array(characters, { maxLength: 7 }).map((list) => list.join(''));
const ranges = fc.tuple(characters, characters).map(([from, to]) => `${from}-${to}`);
const sets = fc
  .tuple(fc.constantFrom('', '!', '^'), fc.array(fc.oneof(characters, ranges), { maxLength: 4 }))
  .map(([negation, members]) => `[${negation}${members.join('')}]`);
const globs = fc.oneof(
  texts,
  sets,
  fc.array(fc.oneof(characters, sets), { maxLength: 4 }).map((list) => list.join('')),
);
// Most globs with a set match one character, where they match at all.
const names = fc.oneof(characters, texts, fc.constantFrom('_', '.', '\u0001', '\u{10FFFF}'));

await describeWithService('postgres', 'a glob', ({ url }) => {
  it('means the same to PostgreSQL', async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const question = 'select name ~ pattern as matched from unnest($1::text[], $2::text[]) as given (name, pattern)';
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(globs, names), { minLength: 50, maxLength: 200 }), async (pairs) => {
          const patterns = pairs.map(([glob]) => toPostgresPattern(parseGlob(glob)));
          const given = [pairs.map(([, name]) => name), patterns];
          const { rows } = await client.query<{ matched: boolean }>(question, given);
          const expected = pairs.map(([glob, name]) => matches(parseGlob(glob), [...name]));
          expect(rows.map(({ matched }) => matched)).toEqual(expected);
        }),
        { numRuns: 40 },
      );
    } finally {
      await client.end();
    }
  });
});

describe('a glob', () => {
  it('means the same to SQLite', () => {
    const connection = new Sqlite(':memory:');
    const ask = connection.prepare<[string, string], number>('select ? glob ?').pluck();
    fc.assert(
      fc.property(globs, names, (glob, name) => {
        const tokens = parseGlob(glob);
        expect(ask.get(name, toSqliteGlob(tokens)) === 1).toBe(matches(tokens, [...name]));
      }),
      { numRuns: 5000 },
    );
    connection.close();
  });

  it('matches nothing outside the range of its literal prefix', () => {
    fc.assert(
      fc.property(texts, texts, (glob, name) => {
        const tokens = parseGlob(glob);
        if (!matches(tokens, [...name])) return;
        const prefix = literalPrefix(tokens);
        const after = afterPrefix(prefix);
        expect(Buffer.compare(Buffer.from(name), Buffer.from(prefix))).toBeGreaterThanOrEqual(0);
        if (after !== undefined) expect(Buffer.compare(Buffer.from(name), Buffer.from(after))).toBeLessThan(0);
      }),
    );
  });

  it('is no more than its literal prefix only where it matches all that begins with it', () => {
    fc.assert(
      fc.property(texts, texts, texts, (glob, suffix, name) => {
        for (const tokens of [parseGlob(glob), parseGlob(`${suffix}*`)].filter(isPrefix)) {
          const prefix = literalPrefix(tokens);
          for (const text of [name, prefix + name]) {
            expect(matches(tokens, [...text])).toBe(text.startsWith(prefix));
          }
        }
      }),
    );
    expect(['', '*', 'a*', 'a**', 'a', 'a*b', '?*', 'a[b]*'].filter((glob) => isPrefix(parseGlob(glob)))).toEqual([
      '*',
      'a*',
      'a**',
    ]);
  });

  it('ends its range where no character follows', () => {
    expect(afterPrefix('a\u{10FFFF}')).toBe('b');
    expect(afterPrefix('\u{10FFFF}')).toBeUndefined();
    expect(afterPrefix('\ud7ff')).toBe('\ue000');
  });
});
