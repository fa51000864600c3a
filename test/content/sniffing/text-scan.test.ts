import { describe, expect, it } from 'vitest';
import { TextScan } from '../../../src/content/sniffing/text-scan.ts';
import fc from '../../support/property.ts';

function scan(bytes: Uint8Array, cuts: readonly number[] = []): string | undefined {
  const text = new TextScan(bytes.subarray(0, 65536));
  const borders = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  for (const [index, border] of borders.entries()) text.feed(bytes.subarray(border, borders[index + 1] ?? border));
  return text.finish();
}

function isValidUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

// Bytes near the borders of UTF-8's rules: leads, continuations, overlong and surrogate forms.
const tricky = fc.constantFrom(
  0x41,
  0x7f,
  0x80,
  0x9f,
  0xa0,
  0xbf,
  0xc1,
  0xc2,
  0xdf,
  0xe0,
  0xed,
  0xef,
  0xf0,
  0xf4,
  0xf5,
);
const nearUtf8 = fc
  .array(
    fc.oneof(
      fc.array(tricky, { maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary', maxLength: 4 }).map((text) => Buffer.from(text.replaceAll('\0', '.'))),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts))
  .filter((bytes) => !/^(?:\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1')));

describe('UTF-8', () => {
  it('is judged like TextDecoder does, over any chunking', () => {
    fc.assert(
      fc.property(nearUtf8, fc.array(fc.nat({ max: 40 })), (bytes, cuts) => {
        expect(scan(bytes, cuts) === 'utf-8').toBe(isValidUtf8(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it('may be cut inside a character', () => {
    const bytes = Buffer.from('a€😀é');
    for (let cut = 0; cut <= bytes.length; cut += 1) expect(scan(bytes, [cut])).toBe('utf-8');
    expect(scan(bytes, Array.from(bytes.keys()))).toBe('utf-8');
  });

  it('may not end inside a character', () => {
    expect(scan(Buffer.from('a€').subarray(0, 3))).toBeUndefined();
  });

  it('may not hold NUL anywhere', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(scan(Buffer.from(`a${before}\0${after}`), [2])).toBeUndefined();
      }),
    );
  });
});

describe('other encodings', () => {
  const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');

  it('UTF-16 with a byte order mark is text in both byte orders, over any chunking', () => {
    const little = utf16('Straße, 東京, 😀');
    for (let cut = 0; cut <= little.length; cut += 1) expect(scan(little, [cut])).toBe('utf-16le');
    expect(scan(Buffer.from(little).swap16())).toBe('utf-16be');
  });

  it('UTF-16 that is cut, holds half a character or NUL is not', () => {
    expect(scan(utf16('abc').subarray(0, 7))).toBeUndefined();
    expect(scan(utf16('a\ud800b'))).toBeUndefined();
    expect(scan(utf16('a\0b'))).toBeUndefined();
  });

  it('a declared legacy encoding counts, in XML and in HTML', () => {
    const xml = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>café</a>', 'latin1');
    const html = Buffer.from('<meta charset="windows-1252"><p>café', 'latin1');
    expect([scan(xml), scan(html)]).toEqual(['windows-1252', 'windows-1252']);
  });

  it('an undeclared or unknown one does not', () => {
    expect(scan(Buffer.from('café', 'latin1'))).toBeUndefined();
    expect(scan(Buffer.from('<?xml version="1.0" encoding="x-none"?><a>café</a>', 'latin1'))).toBeUndefined();
  });
});
