import { Readable } from 'node:stream';
import type { HttpAnswer } from './http-client.ts';
import { type CallContext, translateTransportError } from './transport-errors.ts';

/** An answer's body, whose failures are storage errors; one that is shorter than its length is a failure. */
export function downloadBody({ body }: HttpAnswer, context: CallContext): Readable {
  if (body.held !== undefined) return body.stream();
  const stream = body.stream();
  // A stream of bytes would join the pieces that it holds.
  const manner = stream.readableObjectMode ? { highWaterMark: 1 } : { objectMode: false };
  const translating = Readable.from(translated(stream, context), manner);
  // A body that is dropped unread never starts its generator.
  return translating.once('close', () => body.drop());
}

async function* translated(stream: Readable, context: CallContext): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw translateTransportError(error, context);
  }
}

/** The size of the whole object, also where the answer is a part of it. */
export function sizeOfRange(headers: Record<string, string>, status: number): number {
  const total = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1];
  return Number(status === 206 && total !== undefined ? total : (headers['content-length'] ?? 0));
}
