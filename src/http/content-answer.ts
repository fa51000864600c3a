import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AssetError } from '../core/errors.ts';
import type { ContentRange } from '../operations/download/read-asset.ts';
import { judgeConditions } from './conditions.ts';
import { HttpError } from './problems.ts';

/** Content that may be handed out, and how. */
export interface HandedContent {
  etag: string;
  size: number;
  contentType: string;
  /** Of RFC 6266. */
  disposition: string;
  /** Nothing is opened for HEAD, nor for a client that has it. */
  open(range: ContentRange | undefined): Promise<Buffer | AsyncIterable<Uint8Array>>;
  /** All was sent. */
  done(bytes: number, range: ContentRange | undefined): void;
  /** The connection ended before the content did: the reader went away (INTERRUPTED), or reading broke. */
  failed(error: unknown): void;
}

/** Answers GET and HEAD with content: whole, a range, or that nothing has changed. */
export async function answerWithContent(
  request: FastifyRequest,
  reply: FastifyReply,
  content: HandedContent,
): Promise<unknown> {
  const { etag, size } = content;
  const wanted = judgeConditions(request.headers, content);
  reply.header('etag', etag).header('accept-ranges', 'bytes').header('cache-control', 'private, no-cache');
  if (wanted.kind === 'unchanged') return reply.code(304).send();
  if (wanted.kind === 'unsatisfiable') {
    reply.header('content-range', `bytes */${size}`);
    throw new HttpError(416, `The content has ${size} bytes`, 'Ask for a range within it.');
  }
  const range = wanted.kind === 'part' ? wanted.range : undefined;
  const bytes = range === undefined ? size : range.end - range.start + 1;
  reply.headers(contentHeaders(content)).header('content-length', bytes);
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${size}`);
  if (request.method === 'HEAD') return reply.send('');
  return send(reply, content, range, bytes);
}

/** An attachment is never run as a page of ours, whatever a browser takes it for. */
function contentHeaders({ contentType, disposition }: HandedContent): Record<string, string> {
  return {
    'content-type': contentType,
    'content-disposition': disposition,
    ...(disposition.startsWith('attachment') ? { 'content-security-policy': "default-src 'none'; sandbox" } : {}),
  };
}

async function send(
  reply: FastifyReply,
  content: HandedContent,
  range: ContentRange | undefined,
  bytes: number,
): Promise<unknown> {
  const opened = await content.open(range);
  let failure: unknown;
  reply.raw.once('close', () => {
    if (reply.raw.writableFinished) content.done(bytes, range);
    else content.failed(failure ?? new AssetError('INTERRUPTED', 'The reader went away before the end'));
  });
  if (Buffer.isBuffer(opened)) return reply.send(opened);
  const stream = opened instanceof Readable ? opened : Readable.from(opened, { objectMode: false });
  stream.once('error', (error) => {
    failure = error;
  });
  return reply.send(stream);
}
