import { Readable } from 'node:stream';
import type { OpenedObject, StoredObject } from '../backend.ts';
import { openedInMemory } from '../opened-in-memory.ts';
import type { HttpAnswer } from './http-client.ts';
import { type CallContext, translateTransportError } from './transport-errors.ts';

/** What an answer brings. The failures of its body are storage errors; one that is shorter than its length is a failure. */
export function openAnswer({ body }: HttpAnswer, describe: () => StoredObject, context: CallContext): OpenedObject {
  if (body.held !== undefined) return openedInMemory(describe, body.held);
  const stream = body.stream();
  // A stream of bytes would join the pieces that it holds.
  const manner = stream.readableObjectMode ? { highWaterMark: 1 } : { objectMode: false };
  const translating = Readable.from(translated(stream, context), manner);
  // A body that is dropped unread never starts its generator.
  return { object: describe(), body: translating.once('close', () => body.drop()) };
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
