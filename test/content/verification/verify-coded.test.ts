import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { verifiedCoded } from '../../../src/content/verification/verify-coded.ts';
import fc from '../../support/property.ts';

const expectedOf = (content: Uint8Array) => ({
  size: content.byteLength,
  sha256: createHash('sha256').update(content).digest('hex'),
});

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += length) yield bytes.subarray(at, at + length);
}

async function passed(stored: Uint8Array, length: number, expected: { size: number; sha256: string }) {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of verifiedCoded(inPieces(stored, length), 'gzip', expected)) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), error: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  }
}

const contents = fc.uint8Array({ minLength: 1, maxLength: 2000 });
const lengths = fc.integer({ min: 1, max: 700 });

test('coded bytes come out as they are stored, if they are what is expected', async () => {
  await fc.assert(
    fc.asyncProperty(contents, lengths, async (content, length) => {
      const stored = gzipSync(content);
      const { bytes, error } = await passed(stored, length, expectedOf(content));
      expect(error).toBeUndefined();
      expect(bytes.equals(stored)).toBe(true);
    }),
  );
});

test('others never come out whole', async () => {
  await fc.assert(
    fc.asyncProperty(contents, contents, lengths, async (content, other, length) => {
      fc.pre(Buffer.compare(content, other) !== 0);
      const stored = gzipSync(other);
      const { bytes, error } = await passed(stored, length, expectedOf(content));
      expect(error).toMatchObject({ code: 'BYTES_DAMAGED' });
      expect(bytes.byteLength).toBeLessThan(stored.byteLength);
    }),
  );
  const stored = gzipSync(Buffer.alloc(100_000, 'text'));
  const cut = await passed(stored.subarray(0, -4), 50, expectedOf(Buffer.alloc(100_000, 'text')));
  expect(cut.error).toMatchObject({ code: 'BYTES_DAMAGED' });
});
