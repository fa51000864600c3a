import { decodedContent } from './decode.ts';
import { type ExpectedContent, verifiedContent } from './verify-stream.ts';

/**
 * Passes bytes on as they are stored, while they are decoded and compared with the content that is expected: the last of
 * them come only if that is right.
 * @throws AssetError BYTES_DAMAGED; what the source throws
 */
export async function* verifiedCoded(
  stored: AsyncIterable<Uint8Array>,
  encoding: string,
  expected: ExpectedContent,
): AsyncGenerator<Uint8Array, void, undefined> {
  const read: Uint8Array[] = [];
  async function* noting(): AsyncGenerator<Uint8Array> {
    for await (const chunk of stored) {
      read.push(chunk);
      yield chunk;
    }
  }
  for await (const _ of verifiedContent(decodedContent(noting(), encoding), expected)) {
    if (read.length > 1) yield* read.splice(0, read.length - 1);
  }
  yield* read;
}
