import { describe, expect, it } from 'vitest';
import { escapeForTerminal, escapeJsonForTerminal } from '../../src/core/terminal-text.ts';
import fc from '../support/property.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.nat({ max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

describe('text for a terminal', () => {
  it.each([
    ['plain, Ünïcode 東京 👨‍👩‍👧 می‌خواهم', 'plain, Ünïcode 東京 👨‍👩‍👧 می‌خواهم'],
    ['a\nb\tc\r', 'a\\nb\\tc\\r'],
    ['\u001b[31mred', '\\x1b[31mred'],
    ['\u009b31m', '\\x9b31m'],
    ['invoice\u202egpj.exe', 'invoice\\u{202e}gpj.exe'],
    ['zero\u200bwidth', 'zero\\u{200b}width'],
    ['half \ud83d', 'half \\u{d83d}'],
    ['\u{e0041}', '\\u{e0041}'],
  ])('%j becomes %j', (text, expected) => {
    expect(escapeForTerminal(text)).toBe(expected);
  });

  it('is one line without control, format or half characters, and stays what it is', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const escaped = escapeForTerminal(text);
        expect(escaped).not.toMatch(/\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Bidi_Control}/u);
        expect(escapeForTerminal(escaped)).toBe(escaped);
      }),
    );
  });
});

describe('JSON for a terminal', () => {
  it('is the same value, and holds no such character but line breaks', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const escaped = escapeJsonForTerminal(JSON.stringify(value, null, 2));
        expect(JSON.parse(escaped)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(escaped.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Bidi_Control}/u);
      }),
    );
  });
});
