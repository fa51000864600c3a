import { expect, test } from 'vitest';
import { redactText, redactUrl } from '../../src/core/redact.ts';
import fc from '../support/property.ts';

test.each([
  ['postgres://u:geheim@db/assets', 'postgres://u:***@db/assets'],
  ['postgres://u@db/assets', 'postgres://u@db/assets'],
  ['postgres://db:5432/assets', 'postgres://db:5432/assets'],
  ['postgres://u:p@ss/w#rd?x@db:5432/assets', 'postgres://u:***@db:5432/assets'],
  ['postgresql://:geheim@db/assets', 'postgresql://:***@db/assets'],
  [
    'postgres://db/assets?user=u&password=geheim&sslmode=require',
    'postgres://db/assets?user=u&password=***&sslmode=require',
  ],
  ['sqlite:/var/lib/assets.db', 'sqlite:/var/lib/assets.db'],
  [
    'https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=abc',
    'https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=***',
  ],
  ['https://a.blob.core.windows.net/c/k?sv=1&sig=ab%2Bc%3D', 'https://a.blob.core.windows.net/c/k?sv=1&sig=***'],
  ['https://storage.googleapis.com/b/k?X-Goog-Signature=ab', 'https://storage.googleapis.com/b/k?X-Goog-Signature=***'],
])('%s', (url, redacted) => {
  expect(redactUrl(url)).toBe(redacted);
});

test('no password survives, whatever characters it has', () => {
  const passwords = fc.string({ minLength: 6, unit: 'binary' });
  fc.assert(
    fc.property(passwords, (password) => {
      fc.pre(!'postgres://user:***@db.internal/assets'.includes(password));
      expect(redactUrl(`postgres://user:${password}@db.internal/assets`)).toBe(
        'postgres://user:***@db.internal/assets',
      );
    }),
  );
});

test('no token survives in a text', () => {
  const token = `astk_${'aB3-_'.repeat(8)}xyz`;
  expect(redactText(`Authorization: Bearer ${token}, and more`)).toBe('Authorization: Bearer astk_***, and more');
});

test('doing it twice changes nothing', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true }), (url) => {
      expect(redactUrl(redactUrl(url))).toBe(redactUrl(url));
    }),
  );
});
