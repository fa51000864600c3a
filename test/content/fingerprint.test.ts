import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Crc32c } from '../../src/content/crc32c.ts';
import { Fingerprint } from '../../src/content/fingerprint.ts';
import fc from '../support/property.ts';

const chunks = fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 12 });

function bitwiseCrc32c(bytes: Uint8Array): string {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (~crc >>> 0).toString(16).padStart(8, '0');
}

describe('CRC-32C', () => {
  it.each([
    ['123456789', 'e3069283'],
    ['', '00000000'],
    ['\0'.repeat(32), '8a9136aa'], // RFC 3720, B.4
  ])('of %j is %s', (text, expected) => {
    expect(new Crc32c().update(Buffer.from(text, 'latin1')).digest()).toBe(expected);
  });

  it('agrees with the definition, bit by bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(new Crc32c().update(bytes).digest()).toBe(bitwiseCrc32c(bytes));
      }),
    );
  });
});

describe('a fingerprint', () => {
  it('is the same for any chunking', () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        const whole = Buffer.concat(parts);
        const inChunks = new Fingerprint(['md5', 'crc32c']);
        for (const part of parts) inChunks.update(part);
        expect(inChunks.digest()).toEqual({
          size: whole.length,
          sha256: createHash('sha256').update(whole).digest('hex'),
          checksums: {
            sha256: createHash('sha256').update(whole).digest('hex'),
            md5: createHash('md5').update(whole).digest('hex'),
            crc32c: bitwiseCrc32c(whole),
          },
        });
      }),
    );
  });

  it('holds only the checksums asked for', () => {
    expect(Object.keys(new Fingerprint(['md5']).digest().checksums)).toEqual(['sha256', 'md5']);
  });
});
