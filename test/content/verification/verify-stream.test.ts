import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { verifiedContent } from '../../../src/content/verification/verify-stream.ts';
import { createLender, giveBack } from '../../../src/core/lent-memory.ts';
import fc from '../../support/property.ts';

function expected(data: Buffer) {
  return { size: data.length, sha256: createHash('sha256').update(data).digest('hex') };
}

const CHUNK = 2 ** 20;

/** Of three pieces in turn, the chunk before and the one that is read are still out when the next one comes. */
async function* inLentMemory(bytes: Buffer): AsyncGenerator<Uint8Array> {
  const lend = createLender(CHUNK, 3);
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const memory = lend()?.memory ?? Buffer.alloc(0);
    yield memory.subarray(0, bytes.copy(memory, 0, at));
  }
}

describe('verified content', () => {
  const data = Buffer.from('what was stored');

  it('passes unchanged', async () => {
    const parts = [data.subarray(0, 4), data.subarray(4)];
    expect(await text(Readable.from(verifiedContent(Readable.from(parts), expected(data))))).toBe('what was stored');
  });

  it('passes unchanged when it is empty', async () => {
    expect(await text(Readable.from(verifiedContent(Readable.from([]), expected(Buffer.alloc(0)))))).toBe('');
  });

  it('fails for any other bytes, and never passes as many as were recorded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array()), async (parts) => {
        fc.pre(!Buffer.concat(parts).equals(data));
        let passed = 0;
        const reading = (async () => {
          for await (const chunk of verifiedContent(Readable.from(parts), expected(data))) passed += chunk.length;
        })();
        await expect(reading).rejects.toMatchObject({ code: 'BYTES_DAMAGED' });
        expect(passed).toBeLessThan(data.length);
      }),
    );
  });

  it.each(Array.from(data.keys()))('fails when byte %i is changed', async (at) => {
    const changed = Buffer.from(data);
    changed[at] = (changed[at] ?? 0) ^ 1;
    const reading = text(Readable.from(verifiedContent(Readable.from([changed]), expected(data))));
    await expect(reading).rejects.toMatchObject({ code: 'BYTES_DAMAGED', message: expect.stringContaining('SHA-256') });
  });

  it.each([
    ['unchanged', undefined],
    ['with its first byte changed', 0],
    ['with its last byte changed', 40 * CHUNK + 6],
  ])('is judged by a thread where its memory is lent and used again: %s', async (_, changed) => {
    const large = randomBytes(40 * CHUNK + 7);
    const recorded = expected(large);
    if (changed !== undefined) large[changed] = (large[changed] ?? 0) ^ 1;
    let passed = 0;
    const reading = (async () => {
      for await (const chunk of verifiedContent(inLentMemory(large), recorded)) {
        expect(large.subarray(passed, passed + chunk.byteLength).equals(chunk)).toBe(true);
        passed += chunk.byteLength;
        giveBack(chunk);
      }
    })();
    if (changed === undefined) await reading;
    else await expect(reading).rejects.toMatchObject({ code: 'BYTES_DAMAGED' });
    expect(passed).toBe(changed === undefined ? large.length : 40 * CHUNK);
  });

  it("passes the source's own error on", async () => {
    const failing = new Readable({ read: () => failing.destroy(new Error('cut')) });
    await expect(text(Readable.from(verifiedContent(failing, expected(data))))).rejects.toThrow('cut');
  });
});
