import { createHash, hash } from 'node:crypto';
import { AssetError } from '../../core/errors.ts';
import { isLent } from '../../core/lent-memory.ts';
import { bytesAre } from '../../core/size.ts';
import { createThreadedDigest, type ThreadedDigest } from '../../core/threaded-digest.ts';

/** Size in bytes and SHA-256 in lower-case hex, as recorded. */
export interface ExpectedContent {
  size: number;
  sha256: string;
}

/**
 * Passes chunks on one behind: the last one comes only if all together were exactly the expected
 * content, so that nobody ever holds a damaged content in full.
 * @throws AssetError BYTES_DAMAGED; what the source throws
 */
export async function* verifiedContent(
  source: AsyncIterable<Uint8Array>,
  expected: ExpectedContent,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sums: Sums | undefined;
  let size = 0;
  let held: Uint8Array | undefined;
  let heldIsSummed: Promise<unknown> | undefined;
  try {
    for await (const chunk of source) {
      if (chunk.byteLength === 0) continue;
      size += chunk.byteLength;
      if (size > expected.size) throw damaged(`more than ${bytesAre(expected.size)} stored`, expected);
      sums ??= isLent(chunk) ? createThreadedDigest('sha256') : sumsMadeHere();
      // A thread takes this chunk in while the one before it is used.
      const isSummed = sums.update(chunk);
      if (heldIsSummed !== undefined) await heldIsSummed;
      if (held !== undefined) yield held;
      held = chunk;
      heldIsSummed = isSummed;
    }
    if (size < expected.size) throw damaged(`only ${bytesAre(size)} stored instead of ${expected.size}`, expected);
    sums ??= sumsMadeHere();
    const sha256 = await sums.digest();
    if (sha256 !== expected.sha256) {
      throw damaged(`their SHA-256 is ${sha256}, recorded is ${expected.sha256}`, expected);
    }
    if (held !== undefined) yield held;
  } finally {
    sums?.end();
  }
}

type Sums = Pick<ThreadedDigest, 'end'> & {
  update(bytes: Uint8Array): Promise<unknown> | undefined;
  digest(): Promise<string> | string;
};

function sumsMadeHere(): Sums {
  const hash = createHash('sha256');
  return {
    update(bytes) {
      hash.update(bytes);
      return undefined;
    },
    digest: () => hash.digest('hex'),
    end: () => undefined,
  };
}

/**
 * The same of bytes that are all at hand.
 * @throws AssetError BYTES_DAMAGED
 */
export function verifiedBytes(bytes: Uint8Array, expected: ExpectedContent): Uint8Array {
  if (bytes.byteLength !== expected.size) {
    throw damaged(`${bytesAre(bytes.byteLength)} stored instead of ${expected.size}`, expected);
  }
  const sha256 = hash('sha256', bytes);
  if (sha256 === expected.sha256) return bytes;
  throw damaged(`their SHA-256 is ${sha256}, recorded is ${expected.sha256}`, expected);
}

function damaged(how: string, expected: ExpectedContent): AssetError {
  return new AssetError('BYTES_DAMAGED', `The stored bytes are damaged: ${how}`, {
    hint: 'Upload the file again, or restore the store from a backup.',
    details: { size: expected.size, sha256: expected.sha256 },
  });
}
