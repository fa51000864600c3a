import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, unlinkSync, write } from 'node:fs';
import { join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import { AssetError } from '../core/errors.ts';
import { escapeForTerminal } from '../core/terminal-text.ts';
import { bytesContent, LARGEST_IN_MEMORY } from './bytes-content.ts';
import type { Content, ReadOptions } from './content.ts';
import { checkSize, describeSpoolError, tooLarge } from './file-errors.ts';
import { openFileContent } from './open-file-content.ts';

const writeAt = promisify(write);

export interface StreamReadOptions extends ReadOptions {
  /** Where a private temporary file may be made for what does not fit in memory. */
  spoolDirectory: string;
}

/**
 * Reads a stream to its end, then judges and fingerprints it. What is larger than LARGEST_IN_MEMORY
 * is kept in a file that has no name, so that nobody else can open it and nothing is left of it.
 * The stream is destroyed as soon as it passes the limit. The caller closes the result.
 * @throws AssetError as readFileContent, DISK_FULL, CONFIG_INVALID (no temporary file); what aborted the signal
 */
export async function readStreamContent(stream: Readable, name: string, options: StreamReadOptions): Promise<Content> {
  const { signal } = options;
  signal?.throwIfAborted();
  if (signal !== undefined) addAbortSignal(signal, stream);
  const spool = new Spool(options.spoolDirectory);
  try {
    await drain(stream, spool, name, options);
    checkSize(name, spool.size, options.rules);
    const { fd } = spool;
    if (fd === undefined) return await bytesContent(spool.takeMemory(), name, options);
    return await openFileContent(fd, name, options);
  } catch (error) {
    spool.discard();
    signal?.throwIfAborted();
    throw error;
  }
}

async function drain(stream: Readable, spool: Spool, name: string, options: StreamReadOptions): Promise<void> {
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      await spool.append(chunk);
      if (spool.size > options.rules.maxFileSize) throw tooLarge(name, options.rules);
    }
    await spool.end();
  } catch (error) {
    if (error instanceof AssetError) throw error;
    throw new AssetError('FILE_UNREADABLE', `${escapeForTerminal(name)} could not be read to its end`, {
      hint: 'Check the program or connection that it comes from, and run it again.',
      cause: error,
    });
  }
}

/** Collects chunks in memory, and moves to an unlinked temporary file when they become too many. */
class Spool {
  readonly #directory: string;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #written = 0;
  #fd: number | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get size(): number {
    return this.#written + this.#buffered;
  }

  /** The temporary file, if the content did not fit in memory. */
  get fd(): number | undefined {
    return this.#fd;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
    if (this.#buffered > LARGEST_IN_MEMORY) await this.#flush();
  }

  async end(): Promise<void> {
    if (this.#fd !== undefined) await this.#flush();
  }

  takeMemory(): Uint8Array {
    return Buffer.concat(this.#chunks, this.#buffered);
  }

  discard(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  async #flush(): Promise<void> {
    const bytes = this.takeMemory();
    this.#chunks = [];
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
