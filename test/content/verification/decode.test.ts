import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodedAtOnce, decodedUnsummed } from '../../../src/content/verification/decode.ts';
import { verifiedBytes } from '../../../src/content/verification/verify-stream.ts';

const CONTENT = Buffer.from('what a report says, line after line\n'.repeat(300));
const STORED = gzipSync(CONTENT);

describe.each([
  ['decodedAtOnce', decodedAtOnce],
  ['decodedUnsummed', decodedUnsummed],
])('%s', (_, decode) => {
  test('gives the content of gzip, and other bytes as they are', () => {
    expect(CONTENT.equals(decode(STORED, 'gzip', CONTENT.length))).toBe(true);
    expect(decode(CONTENT, null, CONTENT.length)).toBe(CONTENT);
  });

  test('takes a header with optional fields', () => {
    const named = Buffer.concat([STORED.subarray(0, 10), Buffer.from('report.txt\0'), STORED.subarray(10)]);
    named[3] = 8; // FNAME
    expect(CONTENT.equals(decode(named, 'gzip', CONTENT.length))).toBe(true);
  });

  test.each([
    ['cut off', STORED.subarray(0, STORED.length / 2)],
    ['cut off in its last bytes', STORED.subarray(0, -3)],
    ['cut down to its header', STORED.subarray(0, 10)],
    ['empty', Buffer.alloc(0)],
    ['no gzip', CONTENT],
  ])('refuses what is %s', (_how, stored) => {
    expect(() => decode(stored, 'gzip', CONTENT.length)).toThrow(expect.objectContaining({ code: 'BYTES_DAMAGED' }));
  });

  test('refuses more than the content', () => {
    expect(() => decode(STORED, 'gzip', CONTENT.length - 1)).toThrow(
      expect.objectContaining({ code: 'BYTES_DAMAGED' }),
    );
  });

  test('refuses another encoding', () => {
    expect(() => decode(STORED, 'br', CONTENT.length)).toThrow(expect.objectContaining({ code: 'BYTES_DAMAGED' }));
  });
});

test("gzip's own sum counts where the stored bytes are handed on, not where the content is verified", () => {
  const stored = Buffer.from(STORED);
  stored.writeUInt32LE(~stored.readUInt32LE(stored.length - 8) >>> 0, stored.length - 8);
  const expected = { size: CONTENT.length, sha256: createHash('sha256').update(CONTENT).digest('hex') };
  expect(() => decodedAtOnce(stored, 'gzip', CONTENT.length)).toThrow(
    expect.objectContaining({ code: 'BYTES_DAMAGED' }),
  );
  const decoded = decodedUnsummed(stored, 'gzip', CONTENT.length);
  expect(CONTENT.equals(verifiedBytes(decoded, expected))).toBe(true);
});

test.each([
  [CONTENT.length + 1, true],
  [CONTENT.length, false],
])('memory of %i bytes for the result is used: %s', (length, isUsed) => {
  const memory = Buffer.alloc(length);
  const decoded = decodedUnsummed(STORED, 'gzip', CONTENT.length, memory);
  expect(CONTENT.equals(decoded)).toBe(true);
  expect(decoded.buffer === memory.buffer).toBe(isUsed);
});
