import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { inflateInto } from '../../../src/content/verification/inflate-into.ts';
import fc from '../../support/property.ts';

const CONTENT = Buffer.from('what a report says, line after line\n'.repeat(300));
const DEFLATED = deflateRawSync(CONTENT);
const MEMORY_BYTES = 64 * 1024;

const content = fc.oneof(
  fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 3000 })).map(repeated),
);
const memory = fc.constantFrom(
  () => Buffer.alloc(MEMORY_BYTES, 0xa5),
  () => Buffer.from(new SharedArrayBuffer(MEMORY_BYTES)),
);

function repeated([bytes, times]: [Uint8Array, number]): Buffer {
  return Buffer.alloc(bytes.byteLength * times, bytes);
}

function isWhole(deflated: Uint8Array, size: number): boolean {
  return inflateInto(Buffer.alloc(MEMORY_BYTES), deflated, size);
}

test('gives back whatever was deflated, one after the other, and touches no other memory', () => {
  fc.assert(
    fc.property(content, fc.integer({ min: 0, max: 9 }), memory, (bytes, level, make) => {
      const into = make();
      const beyond = Buffer.from(into.subarray(bytes.byteLength + 1));
      expect(inflateInto(into, deflateRawSync(bytes, { level }), bytes.byteLength)).toBe(true);
      expect(into.subarray(0, bytes.byteLength).equals(bytes)).toBe(true);
      expect(into.subarray(bytes.byteLength + 1).equals(beyond)).toBe(true);
    }),
  );
});

describe('leaves to others', () => {
  const cases: [string, Uint8Array, number][] = [
    ['what is cut off', DEFLATED.subarray(0, -1), CONTENT.byteLength],
    ['what is no deflated stream', Buffer.from([0xff, 0xff, 0xff]), 3],
    ['nothing at all', Buffer.alloc(0), 0],
    ['more than the size', DEFLATED, CONTENT.byteLength - 1],
    ['much more than the size', DEFLATED, 5],
    ['less than the size', DEFLATED, CONTENT.byteLength + 1],
    ['what has something behind it', Buffer.concat([DEFLATED, Buffer.from('x')]), CONTENT.byteLength],
  ];

  test.each(cases)('%s, and takes the next', (_, deflated, size) => {
    expect(isWhole(deflated, size)).toBe(false);
    expect(isWhole(DEFLATED, CONTENT.byteLength)).toBe(true);
  });

  test('what was damaged, or gives as many other bytes, and takes the next', () => {
    fc.assert(
      fc.property(fc.nat(DEFLATED.byteLength - 1), fc.integer({ min: 1, max: 255 }), (position, change) => {
        const damaged = Buffer.from(DEFLATED);
        damaged[position] = (damaged[position] ?? 0) ^ change;
        const into = Buffer.alloc(MEMORY_BYTES);
        // Where it was taken, zlib takes it too; that it is not the content only a hash tells.
        if (inflateInto(into, damaged, CONTENT.byteLength)) {
          expect(inflateRawSync(damaged).equals(into.subarray(0, CONTENT.byteLength))).toBe(true);
        }
        expect(isWhole(DEFLATED, CONTENT.byteLength)).toBe(true);
      }),
    );
  });
});
