import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Dispatcher } from 'undici';
import { memoryReadable } from '../../core/memory-readable.ts';
import type { HttpAnswer, HttpRequest } from './http-client.ts';

export interface AnswerBody {
  /** All of it, where it came with the answer. */
  readonly held: readonly Uint8Array[] | undefined;
  stream(): Readable;
  text(): Promise<string>;
  /** Reads what nobody wants, so that the connection can go on. */
  dump(): Promise<void>;
  /** Ends what may be too long to read for nothing. */
  drop(): void;
}

/** A short body comes with its answer: it costs no stream, and its failures are those of the request. */
const HELD_BYTES = 1024 * 1024;
const STREAM_BUFFER = 256 * 1024;

/** @param dispatch hands the request over to undici, which tells the handler what becomes of it */
export function receiveAnswer(
  request: HttpRequest,
  sent: Uint8Array | Readable | null,
  dispatch: (handler: Dispatcher.DispatchHandler) => void,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    request.signal?.throwIfAborted();
    const chunks: Uint8Array[] = [];
    let answer: Omit<HttpAnswer, 'body'> | undefined;
    let stream: Readable | undefined;
    let controller: Dispatcher.DispatchController | undefined;
    const stopWatching = whenAborted(request.signal, (reason) => {
      if (controller === undefined) fail(reason);
      else controller.abort(reason);
    });

    function fail(error: Error): void {
      stopWatching();
      reject(error);
      stream?.destroy(error);
      if (sent instanceof Readable) sent.on('error', () => undefined).destroy(error);
    }

    dispatch({
      onRequestStart(started) {
        controller = started;
        if (request.signal?.aborted === true) started.abort(asError(request.signal.reason));
      },
      onResponseStart(started, status, received) {
        if (status < 200) return;
        const headers = joinHeaders(received);
        answer = { status, headers };
        if (isHeld(request, headers)) return;
        stream = streamOf(started);
        resolve({ ...answer, body: streamedBody(stream) });
      },
      onResponseData(started, chunk) {
        if (stream === undefined) chunks.push(chunk);
        else if (!stream.push(chunk)) started.pause();
      },
      onResponseEnd() {
        stopWatching();
        if (stream !== undefined) stream.push(null);
        else if (answer !== undefined) resolve({ ...answer, body: heldBody(chunks) });
      },
      onResponseError: (_, error) => fail(error),
    });
  });
}

function isHeld({ method, inMemory }: HttpRequest, headers: Record<string, string>): boolean {
  // The length that HEAD is told is that of a body which does not come.
  if (inMemory === true || method === 'HEAD') return true;
  return Number(headers['content-length'] ?? Number.NaN) <= HELD_BYTES;
}

function streamOf(controller: Dispatcher.DispatchController): Readable {
  return new Readable({
    highWaterMark: STREAM_BUFFER,
    read: () => controller.resume(),
    destroy(error, callback) {
      if (!this.readableEnded) controller.abort(error ?? new Error('the rest of the answer is not wanted'));
      callback(error);
    },
  });
}

const NOTHING_LEFT = Promise.resolve();

function heldBody(held: readonly Uint8Array[]): AnswerBody {
  return {
    held,
    stream: () => memoryReadable(held),
    text: () => Promise.resolve(Buffer.concat(held).toString()),
    dump: () => NOTHING_LEFT,
    drop: () => undefined,
  };
}

function streamedBody(stream: Readable): AnswerBody {
  return {
    held: undefined,
    stream: () => stream,
    text: async () => Buffer.concat(await stream.toArray()).toString(),
    dump: () => finished(stream.resume()),
    drop: () => stream.on('error', () => undefined).destroy(),
  };
}

function joinHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) joined[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return joined;
}

/** Of each signal, what is under way by it: one signal stops a whole command, and a listener for each costs more. */
const watched = new WeakMap<AbortSignal, Set<(reason: Error) => void>>();

/** @returns what ends the watching */
function whenAborted(signal: AbortSignal | undefined, abort: (reason: Error) => void): () => void {
  if (signal === undefined) return () => undefined;
  const watchers = watched.get(signal) ?? watch(signal);
  watchers.add(abort);
  return () => watchers.delete(abort);
}

function watch(signal: AbortSignal): Set<(reason: Error) => void> {
  const watchers = new Set<(reason: Error) => void>();
  watched.set(signal, watchers);
  const abortAll = () => {
    for (const abort of watchers) abort(asError(signal.reason));
  };
  signal.addEventListener('abort', abortAll, { once: true });
  return watchers;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
