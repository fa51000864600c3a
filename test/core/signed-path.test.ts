import { expect, test } from 'vitest';
import { isSignedBy, type SignedPath, signatureOf, signedUrl, toSigningKey } from '../../src/core/signed-path.ts';
import fc from '../support/property.ts';

const KEY = toSigningKey('a'.repeat(32));

const PATH: SignedPath = {
  keyId: KEY.id,
  backend: 'local',
  storagePath: 'acme/seo_report/2026/11/26/x.pdf',
  expires: 1_800_000_000,
  contentType: 'application/pdf',
  disposition: 'attachment; filename="x.pdf"',
};

test('a signature holds for what was signed', () => {
  expect(isSignedBy(KEY, PATH, signatureOf(KEY, PATH))).toBe(true);
});

test.each<Partial<SignedPath>>([
  { keyId: 'other' },
  { backend: 'loca' },
  { storagePath: 'acme/seo_report/2026/11/26/y.pdf' },
  { expires: 1_800_000_001 },
  { contentType: 'text/html' },
  { disposition: 'inline' },
  // what moves from one field to its neighbour
  { contentType: 'application/pdfa', disposition: 'ttachment; filename="x.pdf"' },
])('and not for %j', (change) => {
  expect(isSignedBy(KEY, { ...PATH, ...change }, signatureOf(KEY, PATH))).toBe(false);
});

test('no other text is a signature, and no other key signs alike', () => {
  const signature = signatureOf(KEY, PATH);
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(text !== signature);
      expect(isSignedBy(KEY, PATH, text)).toBe(false);
    }),
  );
  const other = toSigningKey('b'.repeat(32));
  expect(other.id).not.toBe(KEY.id);
  expect(isSignedBy(other, PATH, signature)).toBe(false);
});

test('different fields are never written alike', () => {
  const fields = fc.record({ contentType: fc.string(), disposition: fc.string(), backend: fc.string() });
  fc.assert(
    fc.property(fields, fields, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other);
      expect(signatureOf(KEY, { ...PATH, ...one }) === signatureOf(KEY, { ...PATH, ...other })).toBe(same);
    }),
  );
});

test('the URL carries what was signed, and its key by name alone', () => {
  const url = new URL(
    signedUrl('https://a.example/base', KEY, { ...PATH, disposition: "attachment; filename*=UTF-8''%C3%BC" }),
  );
  expect(url.pathname).toBe('/base/files/local/acme/seo_report/2026/11/26/x.pdf');
  expect(url.searchParams.get('disposition')).toBe("attachment; filename*=UTF-8''%C3%BC");
  expect(url.searchParams.get('key')).toBe(KEY.id);
  expect(url.href).not.toContain(KEY.secret);
});
