import { Readable } from 'node:stream';
import { type AnswerBody, heldBody, streamedBody } from './answer-body.ts';
import type { HttpAnswer, HttpRequest } from './http-client.ts';
import { type PiecewiseBody, piecewiseBody } from './piecewise-body.ts';

/** What an answer that is read slowly, or not to its end, does to its connection. */
export interface Flow {
  pause(): void;
  resume(): void;
  end(): void;
}

export interface AnswerReceiver {
  readonly answer: Promise<HttpAnswer>;
  /** Where the next bytes of the body belong, if that is known: read there, they need no copy. */
  room(): Buffer | undefined;
  onHead(status: number, fields: () => Record<string, string>, length: number | undefined): void;
  /** Copies what it keeps, unless it was read to where it belongs. */
  onData(bytes: Buffer): void;
  onEnd(): void;
  fail(error: Error): void;
}

/** A short body comes with its answer: it costs no stream, and its failures are those of the request. */
const HELD_BYTES = 1024 * 1024;
const STREAM_BUFFER = 256 * 1024;

export function receiveAnswer({ inMemory = false, into, pieces }: HttpRequest, flow: Flow): AnswerReceiver {
  const { promise: answer, resolve, reject } = withResolvers<HttpAnswer>();
  const chunks: Buffer[] = [];
  let head: Head | undefined;
  let whole: Buffer | undefined;
  let filled = 0;
  let stream: Readable | undefined;
  let piecewise: PiecewiseBody | undefined;

  function onHead(status: number, fields: () => Record<string, string>, length: number | undefined): void {
    head = { status, fields };
    // Of unknown length it is gathered until it turns out to be long.
    if (length === undefined) return;
    if (into !== undefined && length <= into.byteLength) whole = into.subarray(0, length);
    else if (inMemory || length <= HELD_BYTES) whole = Buffer.allocUnsafe(length);
    else beginStream(head, length);
  }

  function room(): Buffer | undefined {
    if (piecewise !== undefined) return piecewise.room();
    return whole === undefined || filled === whole.byteLength ? undefined : whole.subarray(filled);
  }

  function onData(bytes: Buffer): void {
    if (whole !== undefined) {
      const isInPlace = bytes.buffer === whole.buffer && bytes.byteOffset === whole.byteOffset + filled;
      filled += isInPlace ? bytes.byteLength : bytes.copy(whole, filled);
      return;
    }
    if (piecewise !== undefined) piecewise.take(bytes);
    else if (stream !== undefined) push(stream, Buffer.from(bytes));
    else gather(Buffer.from(bytes));
  }

  function gather(chunk: Buffer): void {
    chunks.push(chunk);
    filled += chunk.byteLength;
    if (head !== undefined && !inMemory && filled > HELD_BYTES) beginStream(head);
  }

  function beginStream(begun: Head, length?: number): void {
    const isPiecewise = pieces !== undefined && length !== undefined;
    const body = new Readable({
      // A stream of bytes would join the pieces that it holds.
      ...(isPiecewise ? { objectMode: true, highWaterMark: 1 } : { highWaterMark: STREAM_BUFFER }),
      read: flow.resume,
      destroy(error, callback) {
        flow.end();
        callback(error);
      },
    });
    if (isPiecewise) piecewise = piecewiseBody(length, pieces, (piece) => push(body, piece));
    for (const chunk of chunks.splice(0)) push(body, chunk);
    stream = body;
    resolve(answerOf(begun, streamedBody(body)));
  }

  function push(body: Readable, chunk: Buffer): void {
    if (!body.push(chunk)) flow.pause();
  }

  function onEnd(): void {
    if (stream !== undefined) stream.push(null);
    else if (head !== undefined) resolve(answerOf(head, heldBody(whole === undefined ? chunks : [whole])));
  }

  function fail(error: Error): void {
    reject(error);
    stream?.destroy(error);
  }

  return { answer, room, onHead, onData, onEnd, fail };
}

interface Head {
  status: number;
  fields: () => Record<string, string>;
}

/** Of many answers nobody asks for the headers. */
function answerOf({ status, fields }: Head, body: AnswerBody): HttpAnswer {
  let headers: Record<string, string> | undefined;
  return {
    status,
    body,
    get headers() {
      headers ??= fields();
      return headers;
    },
  };
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<T>((onFulfilled, onRejected) => {
    resolve = onFulfilled;
    reject = onRejected;
  });
  return { promise, resolve, reject };
}
