import { createHash, type Hash } from 'node:crypto';
import type { ChecksumName, Checksums } from '../core/body.ts';
import { Crc32c } from './crc32c.ts';

/** Size, SHA-256 and the checksums asked for, over any chunking of the same bytes, in one pass. */
export class Fingerprint {
  #size = 0;
  readonly #sha256: Hash = createHash('sha256');
  readonly #md5: Hash | undefined;
  readonly #crc32c: Crc32c | undefined;

  constructor(checksums: readonly ChecksumName[]) {
    this.#md5 = checksums.includes('md5') ? createHash('md5') : undefined;
    this.#crc32c = checksums.includes('crc32c') ? new Crc32c() : undefined;
  }

  update(chunk: Uint8Array): void {
    this.#size += chunk.byteLength;
    this.#sha256.update(chunk);
    this.#md5?.update(chunk);
    this.#crc32c?.update(chunk);
  }

  /** Once, at the end. All in lower-case hex; `checksums` always holds the SHA-256. */
  digest(): { size: number; sha256: string; checksums: Checksums } {
    const sha256 = this.#sha256.digest('hex');
    const checksums: Checksums = { sha256 };
    if (this.#md5 !== undefined) checksums.md5 = this.#md5.digest('hex');
    if (this.#crc32c !== undefined) checksums.crc32c = this.#crc32c.digest();
    return { size: this.#size, sha256, checksums };
  }
}
