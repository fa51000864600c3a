import { posix, win32 } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AssetError } from '../../src/core/errors.ts';
import { checkId } from '../../src/core/identity.ts';
import { assetKey, isOwnKey, keyFilename, parseStorageKey } from '../../src/core/storage-key.ts';
import fc from '../support/property.ts';

const UUID = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
const PARTS = {
  organization: 'acme',
  assetType: 'SEO_REPORT',
  createdAt: new Date('2026-03-04T23:59:59.999Z'),
  uuid: UUID,
  extension: '.pdf',
  isPublic: false,
};

const ids = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/).filter(isId);
const parts = fc.record({
  organization: ids,
  assetType: fc.stringMatching(/^[A-Z][A-Z0-9_]{0,63}$/),
  createdAt: fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
  uuid: fc.uuid({ version: 4 }),
  extension: fc.oneof(fc.constant(''), fc.stringMatching(/^\.[a-z0-9]{1,10}$/)),
  isPublic: fc.boolean(),
});

function isId(value: string): boolean {
  try {
    return checkId('organization', value) === value;
  } catch {
    return false;
  }
}

function accepted(text: string): boolean {
  try {
    return parseStorageKey(text) === text;
  } catch (error) {
    if (error instanceof AssetError) return false;
    throw error;
  }
}

describe('assetKey', () => {
  test('has the path of the specification', () => {
    expect(assetKey(PARTS)).toBe(`acme/seo_report/2026/03/04/${UUID}.pdf`);
  });

  test('puts public assets behind public/, so that a bucket policy can open that prefix', () => {
    expect(assetKey({ ...PARTS, isPublic: true })).toBe(`public/acme/seo_report/2026/03/04/${UUID}.pdf`);
  });

  test('takes the date in UTC', () => {
    const createdAt = new Date('2026-01-01T00:30:00+01:00');
    expect(assetKey({ ...PARTS, createdAt })).toContain('/2025/12/31/');
  });

  test('makes keys that follow our own grammar, whoever uploads what', () => {
    fc.assert(
      fc.property(parts, (each) => {
        const key = assetKey(each);
        expect(isOwnKey(key)).toBe(true);
        expect(accepted(key)).toBe(true);
        expect(keyFilename(key)).toBe(`${each.uuid}${each.extension}`);
        expect(key.startsWith('public/')).toBe(each.isPublic);
      }),
    );
  });

  test('never gives two assets one key', () => {
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        fc.pre(left.uuid !== right.uuid);
        expect(assetKey(left)).not.toBe(assetKey(right));
      }),
    );
  });
});

describe('parseStorageKey', () => {
  test.each(['a', 'a/b', 'ä/日本/🙂.pdf', 'hello? "world" \'<>&%20+#', '.asset-cli.json', '...a', 'x'.repeat(254)])(
    'accepts %j',
    (text) => {
      expect(accepted(text)).toBe(true);
    },
  );

  test.each([
    '',
    '/',
    '/etc/passwd',
    'a/',
    'a//b',
    '.',
    '..',
    '../a',
    'a/..',
    'a/../b',
    'a/./b',
    'a\\..\\b',
    'C:\\x',
    'a\0b',
    'a\nb',
    'a\u007fb',
    'a\u0085b',
    'a./b',
    'a...',
    'a\ud800',
    'x'.repeat(255),
    'é'.repeat(128),
    'ab/'.repeat(400),
  ])('refuses %j', (text) => {
    expect(accepted(text)).toBe(false);
  });

  test('accepts no key that leaves the root, by the rules of any platform', () => {
    const hostile = fc
      .array(fc.constantFrom('..', '.', '', 'a', '/', '\\', 'C:', '\0', '...', '. ', '%2e%2e', '..;'), {
        maxLength: 12,
      })
      .map((words) => words.join('/'));
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
        if (!accepted(text)) return;
        expect(posix.resolve('/root', text)).toBe(`/root/${text}`);
        expect(win32.normalize(win32.join('R:\\root', text)).startsWith('R:\\root\\')).toBe(true);
        expect(new TextDecoder().decode(new TextEncoder().encode(text))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('isOwnKey', () => {
  const key = `acme/seo_report/2026/03/04/${UUID}.pdf`;

  test.each([key, `public/${key}`, `quarantine/${key}`, `lost+found/${key}`, key.replace('.pdf', '')])(
    'takes %s for ours',
    (text) => {
      expect(isOwnKey(text)).toBe(true);
    },
  );

  test.each([
    '',
    '.asset-cli.json',
    'lost+found/1234',
    `private/${key}`,
    `${key}/x`,
    `${key}\n`,
    `/${key}`,
    `../${key}`,
    key.replace('seo_report', 'SEO_REPORT'),
    key.replace('2026', '26'),
    key.replace('-41d3-', '-11d3-'),
    key.toUpperCase(),
    key.replace('.pdf', '.PDF'),
    key.replace('.pdf', '.pdf.tmp'),
    key.replace('.pdf', '.'),
    `public/public/${key}`,
  ])('leaves %j alone', (text) => {
    expect(isOwnKey(text)).toBe(false);
  });
});
