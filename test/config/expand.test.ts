// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as files have them are what is tested
import { describe, expect, test } from 'vitest';
import { expandVariables, withoutReferences } from '../../src/config/expand.ts';
import fc from '../support/property.ts';

const env = { A: 'one', ASSET_CLI_B: 'two', EMPTY: '', NESTED: '${A}', MONEY: '$&$1$$' };

describe('expandVariables', () => {
  test.each([
    ['', ''],
    ['plain $A text', 'plain $A text'],
    ['${A}', 'one'],
    ['x${A}y${ASSET_CLI_B}z', 'xoneytwoz'],
    ['${EMPTY}', ''],
    ['${NESTED}', '${A}'],
    ['${MONEY}', '$&$1$$'],
    ['$${A}', '${A}'],
    ['$$', '$$'],
    ['}{', '}{'],
  ])('%j is %j', (text, expanded) => {
    expect(expandVariables(text, { env, ownVariablesOnly: false })).toEqual({ text: expanded });
  });

  test.each(['${', '${}', '${A', '${ A}', '${A }', '${1A}', '${A-B}', '${A:-x}', 'x ${A} ${'])('refuses %j', (text) => {
    expect(expandVariables(text, { env, ownVariablesOnly: false })).toMatchObject({ problem: expect.any(String) });
  });

  test('refuses what every object has', () => {
    for (const text of ['${constructor}', '${toString}', '${__proto__}']) {
      expect(expandVariables(text, { env, ownVariablesOnly: false })).toMatchObject({ problem: expect.any(String) });
    }
  });

  test('refuses a variable that is not set, by its name', () => {
    expect(expandVariables('${C}', { env, ownVariablesOnly: false })).toMatchObject({
      problem: expect.stringContaining('${C}'),
      hint: expect.stringContaining('Set C'),
    });
  });

  test('a file of a working directory reads our own variables alone, and learns nothing of the others', () => {
    const rules = { env, ownVariablesOnly: true };
    expect(expandVariables('${ASSET_CLI_B}', rules)).toEqual({ text: 'two' });
    const [known, unknown] = ['${A}', '${C}'].map((text) => JSON.stringify(expandVariables(text, rules)));
    expect(known?.replaceAll('A}', 'C}')).toBe(unknown);
    expect(known).toContain('--config');
  });

  test('text without references stays what it is', () => {
    const plain = fc.string({ unit: 'binary' }).filter((text) => !text.includes('${'));
    fc.assert(
      fc.property(plain, (text) => {
        expect(expandVariables(text, { env, ownVariablesOnly: true })).toEqual({ text });
        expect(withoutReferences(text)).toBe(text);
      }),
    );
  });

  test('puts in every variable once, whatever it holds', () => {
    const names = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
    const plain = fc.string().filter((text) => !text.includes('$'));
    const pieces = fc.array(fc.tuple(plain, names, fc.string({ unit: 'binary' })), { maxLength: 6 });
    fc.assert(
      fc.property(pieces, plain, (parts, tail) => {
        const values = Object.fromEntries(parts.map(([, name, value]) => [name, value]));
        const text = parts.map(([before, name]) => `${before}\${${name}}`).join('') + tail;
        const expanded = parts.map(([before, name]) => `${before}${values[name]}`).join('') + tail;
        expect(expandVariables(text, { env: values, ownVariablesOnly: false })).toEqual({ text: expanded });
        expect(withoutReferences(text)).toBe(parts.map(([before]) => before).join('') + tail);
      }),
    );
  });
});
