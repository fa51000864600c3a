import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../src/catalog');
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

describe('queries on assets', () => {
  it('are opened in one file, whose functions demand a scope', () => {
    const opening = sources.filter(({ text }) => text.includes('withTables<') || /\bKysely<AllTables>/.test(text));
    expect(opening.map(({ name }) => name)).toEqual(['assets/asset-query.ts']);
  });

  it('are not written as plain text elsewhere without naming the organisation', () => {
    const loose = sources
      .filter(({ name }) => !name.startsWith('migrations'))
      .flatMap(({ name, text }) =>
        [...text.matchAll(/\bfrom assets\b[^`]*/g)]
          .filter(([statement]) => !statement.includes('organization_id'))
          .map(([statement]) => `${name}: ${statement.slice(0, 60)}`),
      );
    expect(loose).toEqual([]);
  });
});
