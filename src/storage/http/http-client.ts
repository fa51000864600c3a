import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { StorageTimeouts } from '../definition.ts';
import { type AnswerBody, receiveAnswer } from './receive-answer.ts';

export interface HttpRequest {
  method: Dispatcher.HttpMethod;
  /** `https://host:port` */
  origin: string;
  /** With the query; already encoded. */
  path: string;
  headers: Record<string, string>;
  /** A body that is not in memory needs a content-length header. */
  body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** The answer comes with all of its body, however long. */
  inMemory?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  status: number;
  /** Names in lower case; of a repeated header the values are joined. */
  headers: Record<string, string>;
  body: AnswerBody;
}

export interface HttpClient {
  /** Rejects only if no answer came, or not all of a short one; every status is an answer. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

const MOST_CONNECTIONS = 128;
// A body in memory goes out at once up to this size; a larger one in slices, so that a server
// that stops reading is told from a slow line.
const SENT_AT_ONCE = 512 * 1024;
const SLICE = 256 * 1024;

/** Keep-alive connections that end a silence, in either direction, after a quarter of the deadline. */
export async function createHttpClient(timeouts: StorageTimeouts): Promise<HttpClient> {
  const { Agent } = await import('undici');
  const silence = Math.max(1000, timeouts.deadline / 4);
  const agent = new Agent({
    connect: { timeout: timeouts.connect },
    connections: MOST_CONNECTIONS,
    headersTimeout: silence,
    bodyTimeout: silence,
    // Requests that wait for a connection are not held up by its own limit.
    pipelining: 1,
  });

  function send(request: HttpRequest): Promise<HttpAnswer> {
    const { origin, path, method, headers } = request;
    const body = request.body === undefined ? null : sendable(request.body);
    // Undici's own request() makes a stream of each answer, which costs more than most of them.
    return receiveAnswer(request, body, (handler) => agent.dispatch({ origin, path, method, headers, body }, handler));
  }

  return { send, close: () => agent.destroy() };
}

function sendable(body: Uint8Array | AsyncIterable<Uint8Array>): Uint8Array | Readable {
  if (!(body instanceof Uint8Array)) return Readable.from(body, { highWaterMark: 1 });
  return body.byteLength > SENT_AT_ONCE ? Readable.from(slices(body), { highWaterMark: 1 }) : body;
}

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += SLICE) yield bytes.subarray(start, start + SLICE);
}
