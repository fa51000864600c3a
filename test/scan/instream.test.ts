import { expect, test } from 'vitest';
import { type Instream, instream } from '../../src/scan/instream.ts';
import { SCAN_MARGIN } from '../../src/scan/scanner.ts';
import fc from '../support/property.ts';

function piecesOf(content: Instream): readonly Uint8Array[] {
  const pieces = content.open();
  if (Symbol.asyncIterator in pieces) throw new Error('it is in memory');
  return pieces;
}

const open = () => {
  throw new Error('it is in memory');
};

test('content that has a margin is sent in one piece, as others are in several, and leaves all around it alone', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(ArrayBuffer, SharedArrayBuffer),
      (content, Memory) => {
        const memory = Buffer.from(new Memory(content.length + 4 * SCAN_MARGIN)).fill(0xa5);
        const bytes = memory.subarray(2 * SCAN_MARGIN, -2 * SCAN_MARGIN);
        bytes.set(content);
        const body = { size: bytes.length, bytes, open };
        const inPlace = instream(body, true);
        for (const _ of ['once', 'again']) {
          const pieces = piecesOf(inPlace);
          expect(pieces).toHaveLength(1);
          expect(Buffer.concat(pieces).equals(Buffer.concat(piecesOf(instream({ ...body, bytes: content }))))).toBe(
            true,
          );
        }
        const beyond = Buffer.concat([memory.subarray(0, SCAN_MARGIN), memory.subarray(-SCAN_MARGIN)]);
        expect(beyond.every((byte) => byte === 0xa5)).toBe(true);
      },
    ),
  );
});
