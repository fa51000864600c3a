import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { memoryReadable } from '../../core/memory-readable.ts';
import type { HttpAnswer } from './http-client.ts';
import { type CallContext, translateTransportError } from './transport-errors.ts';

// A short body is read before get() answers: its failures are then get()'s own, and it costs no stream.
const READ_AT_ONCE = 1024 * 1024;

/**
 * An answer's body, whose failures are storage errors; undici reports one that is shorter than its length.
 * @param inMemory read it before this answers, however long it is
 */
export async function downloadBody(answer: HttpAnswer, context: CallContext, inMemory = false): Promise<Readable> {
  const length = Number(answer.headers['content-length'] ?? Number.NaN);
  if (!inMemory && !(length <= READ_AT_ONCE)) {
    const body = Readable.from(translated(answer, context), { objectMode: false });
    // A body that is dropped unread never starts its generator.
    return body.once('close', () => dropBody(answer));
  }
  try {
    return memoryReadable(inMemory ? await chunksOf(answer) : [await answer.body.bytes()]);
  } catch (error) {
    throw translateTransportError(error, context);
  }
}

/** As they come: to join them would cost a copy, and a pass through an iterator a turn of the loop for each. */
async function chunksOf({ body }: HttpAnswer): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  body.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  await finished(body);
  return chunks;
}

async function* translated(answer: HttpAnswer, context: CallContext): AsyncGenerator<Uint8Array> {
  try {
    yield* answer.body;
  } catch (error) {
    throw translateTransportError(error, context);
  }
}

/** Ends an answer whose body nobody wants; undici reports that as an error of the body. */
export function dropBody(answer: HttpAnswer): void {
  answer.body.on('error', () => undefined).destroy();
}

/** The size of the whole object, also where the answer is a part of it. */
export function sizeOfRange(headers: Record<string, string>, status: number): number {
  const total = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1];
  return Number(status === 206 && total !== undefined ? total : (headers['content-length'] ?? 0));
}
