import { closeSync } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import type { BodySource } from '../../core/body.ts';
import { AssetError } from '../../core/errors.ts';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import { bytesBody } from '../bytes-body.ts';
import type { Content, ContentRules, ReadOptions } from '../content.ts';
import { throughPipeline } from '../pipeline.ts';
import { bytesContent } from './bytes-content.ts';
import { checkSize, tooLarge } from './file-errors.ts';
import { openFileContent } from './open-file-content.ts';
import { readChunk } from './reread-body.ts';
import { Spool } from './spool.ts';

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
  return readSpooledContent(await takeIn(stream, name, options), name, options);
}

type TakeInOptions = Pick<StreamReadOptions, 'rules' | 'signal' | 'spoolDirectory'>;

/** All of a stream, to its end; the caller discards it. */
async function takeIn(stream: Readable, name: string, options: TakeInOptions): Promise<Spool> {
  const { signal } = options;
  signal?.throwIfAborted();
  if (signal !== undefined) addAbortSignal(signal, stream);
  const spool = new Spool(options.spoolDirectory);
  try {
    await drain(stream, spool, name, options.rules);
    return spool;
  } catch (error) {
    spool.discard();
    signal?.throwIfAborted();
    throw error;
  }
}

/** Judges and fingerprints what a spool has taken in, and takes it over. Throws as readStreamContent. */
export async function readSpooledContent(spool: Spool, name: string, options: ReadOptions): Promise<Content> {
  const fd = spool.takeFile();
  try {
    checkSize(name, spool.size, options.rules);
    const sniffed =
      fd === undefined
        ? await bytesContent(spool.takeMemory(), name, options)
        : await openFileContent(fd, name, options);
    return await throughPipeline(name, sniffed, options);
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    options.signal?.throwIfAborted();
    throw error;
  }
}

/** Bytes that are looked at, and never stored. */
export interface LooseContent {
  body: BodySource;
  close(): Promise<void>;
}

/**
 * Reads a stream to its end, whatever it holds. The caller closes the result.
 * @throws AssetError FILE_EMPTY, FILE_UNREADABLE, DISK_FULL, CONFIG_INVALID; what aborted the signal
 */
export async function readLooseContent(stream: Readable, name: string, options: TakeInOptions): Promise<LooseContent> {
  const spool = await takeIn(stream, name, options);
  try {
    checkSize(name, spool.size, options.rules);
    const { fd, size } = spool;
    const body = fd === undefined ? bytesBody(spool.takeMemory()) : { size, open: () => readFrom({ fd, name, size }) };
    return { body, close: async () => spool.discard() };
  } catch (error) {
    spool.discard();
    throw error;
  }
}

/** Not a stream of Node's: one that is left early closes the file, which the spool closes then again. */
async function* readFrom(file: { fd: number; name: string; size: number }): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < file.size; ) {
    const chunk = await readChunk(file, position);
    position += chunk.length;
    yield chunk;
  }
}

/**
 * Takes a stream in, to its end or to the limit.
 * @throws AssetError FILE_TOO_LARGE, FILE_UNREADABLE, DISK_FULL
 */
async function drain(
  stream: AsyncIterable<Uint8Array>,
  spool: Spool,
  name: string,
  rules: ContentRules,
): Promise<void> {
  try {
    for await (const chunk of stream) {
      await spool.append(chunk);
      if (spool.size > rules.maxFileSize) throw tooLarge(name, rules);
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
