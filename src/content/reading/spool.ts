import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, unlinkSync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LARGEST_IN_MEMORY } from './bytes-content.ts';
import { describeSpoolError } from './file-errors.ts';

const writeAt = promisify(write);

/** Each piece costs memory of its own, and keeps all that came with it: so many are made one. */
const MOST_PIECES = 256;

/** Collects chunks in memory, and moves to an unlinked temporary file when they become too many. */
export class Spool {
  readonly #directory: string;
  readonly #largestInMemory: number;
  #chunks: Uint8Array[] = [];
  /** So many chunks at the beginning are not joined again. */
  #joined = 0;
  #buffered = 0;
  #written = 0;
  #fd: number | undefined;

  constructor(directory: string, largestInMemory = LARGEST_IN_MEMORY) {
    this.#directory = directory;
    this.#largestInMemory = largestInMemory;
  }

  get size(): number {
    return this.#written + this.#buffered;
  }

  /** The temporary file, if the content did not fit in memory. */
  get fd(): number | undefined {
    return this.#fd;
  }

  /** A promise only where it has to wait. */
  append(chunk: Uint8Array): Promise<void> | undefined {
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
    if (this.#chunks.length - this.#joined === MOST_PIECES) this.#join();
    return this.#buffered > this.#largestInMemory ? this.#flush() : undefined;
  }

  async end(): Promise<void> {
    if (this.#fd !== undefined) await this.#flush();
  }

  takeMemory(): Uint8Array {
    const [only] = this.#chunks;
    // Most small contents come in one piece, which is most of what came with it: no copy.
    if (this.#chunks.length === 1 && only !== undefined && only.byteLength * 2 >= only.buffer.byteLength) return only;
    return Buffer.concat(this.#chunks, this.#buffered);
  }

  /** Hands the temporary file over: whoever takes it closes it. */
  takeFile(): number | undefined {
    const fd = this.#fd;
    this.#fd = undefined;
    return fd;
  }

  /** Lets go of what nobody has taken. */
  discard(): void {
    const fd = this.takeFile();
    if (fd !== undefined) closeSync(fd);
  }

  #join(): void {
    this.#chunks.push(Buffer.concat(this.#chunks.splice(this.#joined)));
    this.#joined += 1;
  }

  async #flush(): Promise<void> {
    const bytes = this.takeMemory();
    this.#chunks = [];
    this.#joined = 0;
    this.#buffered = 0;
    try {
      this.#fd ??= openNameless(this.#directory);
      for (let from = 0; from < bytes.length; ) {
        const { bytesWritten } = await writeAt(this.#fd, bytes, from, bytes.length - from, this.#written);
        from += bytesWritten;
        this.#written += bytesWritten;
      }
    } catch (error) {
      throw describeSpoolError(error, this.#directory);
    }
  }
}

function openNameless(directory: string): number {
  const path = join(directory, `asset-cli-${randomUUID()}`);
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  unlinkSync(path);
  return fd;
}
