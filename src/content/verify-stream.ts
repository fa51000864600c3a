import { createHash } from 'node:crypto';
import { AssetError } from '../core/errors.ts';

export interface ExpectedBytes {
  /** Bytes. */
  size: number;
  /** Lower-case hex. */
  sha256: string;
  /** What the message calls it: an asset's id or name, fit for a terminal. */
  label: string;
}

/**
 * Passes chunks on as they come, and throws at the end, after the last chunk, unless they were
 * exactly the expected bytes; surplus bytes are not passed on. For `pipeline(body, verifyBytes(…), target)`.
 * @throws AssetError BYTES_DAMAGED
 */
export function verifyBytes(
  expected: ExpectedBytes,
): (source: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void> {
  return async function* verified(source) {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of source) {
      size += chunk.byteLength;
      if (size > expected.size) throw damaged(expected, `more than ${expected.size} bytes are stored`);
      hash.update(chunk);
      yield chunk;
    }
    if (size < expected.size) throw damaged(expected, `${size} of ${expected.size} bytes are stored`);
    const sha256 = hash.digest('hex');
    if (sha256 !== expected.sha256) throw damaged(expected, `its SHA-256 is ${sha256}, recorded is ${expected.sha256}`);
  };
}

function damaged(expected: ExpectedBytes, how: string): AssetError {
  return new AssetError('BYTES_DAMAGED', `The stored bytes of ${expected.label} are damaged: ${how}`, {
    hint: 'Run "asset-cli verify --deep" to find what else is damaged, and upload the file again or restore a backup.',
    details: { size: expected.size, sha256: expected.sha256 },
  });
}
