import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const DECISIONS = readdirSync(join(ROOT, 'docs/decisions')).map((name) => `docs/decisions/${name}`);
const DOCUMENTS = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...DECISIONS,
];
/** As documents name them: from the root of the repository, with an ending. */
const FILE = /(?<![\w./-])(?:bin|docs|fixtures|schema|scripts|src|test)\/[\w./-]+\.(?:js|json|md|mjs|ts|yaml)\b/g;

describe('the documents', () => {
  it.each(DOCUMENTS)('%s names no file that is not there', (document) => {
    const named = readFileSync(join(ROOT, document), 'utf8').match(FILE) ?? [];
    expect(named.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  it('give each decision a number of its own', () => {
    const numbers = DECISIONS.map((name) => /\d{4}/.exec(name)?.[0]);
    expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([]);
  });
});
