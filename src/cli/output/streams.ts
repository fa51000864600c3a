import type { Readable, Writable } from 'node:stream';

/** The process's streams as `main` gets them, so that tests can hand in their own. */
export interface Streams {
  stdin: Readable & { isTTY?: boolean };
  /** Keeps no chunk after its callback: a download writes memory that is used again. */
  stdout: OutputStream;
  stderr: OutputStream;
}

export type OutputStream = Writable & { isTTY?: boolean; columns?: number };

/** Thrown into a command that only reports, when nobody reads its output any more: a quiet end, exit 0. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

/** One of the two output streams, with back-pressure and without EPIPE errors. */
export interface TextWriter {
  readonly isTTY: boolean;
  /** Columns of the terminal; undefined where it is none. */
  readonly columns: number | undefined;
  /** The reader has closed its end; what is written now is lost. */
  readonly closed: boolean;
  /** Resolves when the text has been handed on. */
  write(text: string): Promise<void>;
}

const DEFAULT_COLUMNS = 80;

export function createWriter(stream: OutputStream): TextWriter {
  let closed = false;
  let failure: Error | undefined;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (isReaderGone(error) && failure === undefined) closed = true;
    else failure ??= error;
  });
  const isTTY = stream.isTTY === true;
  return {
    isTTY,
    get columns() {
      return isTTY ? (stream.columns ?? DEFAULT_COLUMNS) : undefined;
    },
    get closed() {
      return closed;
    },
    async write(text) {
      if (text === '') return;
      if (failure !== undefined) throw failure;
      if (closed) return;
      await new Promise<void>((resolve, reject) => {
        stream.write(text, (error) => {
          if (error == null) resolve();
          else if (failure !== undefined) reject(failure);
          else if (isReaderGone(error)) {
            closed = true;
            resolve();
          } else reject(error);
        });
      });
    },
  };
}

/** The same writer for a command that has no reason to go on without a reader. */
export function stopWithReader(writer: TextWriter): TextWriter {
  return {
    isTTY: writer.isTTY,
    get columns() {
      return writer.columns;
    },
    get closed() {
      return writer.closed;
    },
    async write(text) {
      await writer.write(text);
      if (writer.closed) throw new ReaderGone('the reader of the output is gone');
    },
  };
}

export function isReaderGone(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ECONNRESET';
}
