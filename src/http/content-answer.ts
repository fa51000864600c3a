import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AssetError } from '../core/errors.ts';
import type { ContentRange } from '../operations/download/read-asset.ts';
import type { StoredForm } from '../operations/download/stored-form.ts';
import { acceptsGzip, judgeConditions } from './conditions.ts';
import { HttpError } from './problems.ts';
import type { Route, Sent } from './route.ts';

/** What a request for content may say, and what comes of it: the same for every route that hands some out. */
export const CONTENT_ROUTE = {
  headers: {
    type: 'object',
    properties: { Range: { type: 'string' }, 'If-None-Match': { type: 'string' }, 'If-Range': { type: 'string' } },
  },
  responses: {
    200: { description: 'The content.', contentType: '*/*' },
    206: { description: 'The range that was asked for.', contentType: '*/*' },
    304: { description: 'It is what the client has.' },
  },
} as const satisfies Pick<Route, 'headers' | 'responses'>;

/** Content that may be handed out, and how. */
export interface HandedContent {
  etag: string;
  size: number;
  contentType: string;
  /** Of RFC 6266. */
  disposition: string;
  /** What caches may do with it; without it, nothing. */
  cacheControl?: string;
  /** The same in fewer bytes, for clients that decode it. */
  coded: StoredForm | undefined;
  /** Nothing is opened for HEAD, nor for a client that has it. */
  open(range: ContentRange | undefined): Promise<Buffer | AsyncIterable<Uint8Array>>;
  /** All was sent. */
  done(bytes: number, range: ContentRange | undefined): void;
  /** The connection ended before the content did: the reader went away (INTERRUPTED), or reading broke. */
  failed(error: unknown): void;
}

/** Answers GET and HEAD with content: whole, as it is or as it is stored; a range; or that nothing has changed. */
export async function answerWithContent(
  request: FastifyRequest,
  reply: FastifyReply,
  content: HandedContent,
): Promise<Sent> {
  const { method } = request;
  const headers = conditionsOf(request);
  reply.header('accept-ranges', 'bytes').header('cache-control', content.cacheControl ?? 'private, no-cache');
  if (content.coded !== undefined) reply.header('vary', 'accept-encoding');
  const coded = headers.range === undefined && acceptsGzip(headers['accept-encoding']) ? content.coded : undefined;
  // Other bytes have another entity tag (RFC 9110, 8.8.3.3).
  const codedTag = content.etag.replace(/"$/, '-gzip"');
  if (coded !== undefined && judgeConditions(headers, { etag: codedTag, size: coded.size }).kind === 'unchanged') {
    reply.header('etag', codedTag).code(304);
    return undefined;
  }
  const opened = coded === undefined || method === 'HEAD' ? undefined : await coded.open();
  if (coded === undefined || (method !== 'HEAD' && opened === undefined)) return answerPlainly(request, reply, content);
  reply.headers(contentHeaders(content)).header('etag', codedTag);
  reply.header('content-encoding', coded.encoding).header('content-length', coded.size);
  if (opened === undefined) return '';
  return sent(reply, content, { opened, bytes: coded.size, range: undefined });
}

/** A range is for GET alone (RFC 9110, 14.2). */
function conditionsOf({ headers, method }: FastifyRequest): FastifyRequest['headers'] {
  return method === 'HEAD' ? { ...headers, range: undefined } : headers;
}

async function answerPlainly(request: FastifyRequest, reply: FastifyReply, content: HandedContent): Promise<Sent> {
  const { etag, size } = content;
  const wanted = judgeConditions(conditionsOf(request), content);
  reply.header('etag', etag);
  if (wanted.kind === 'unchanged') {
    reply.code(304);
    return undefined;
  }
  if (wanted.kind === 'unsatisfiable') {
    reply.header('content-range', `bytes */${size}`);
    throw new HttpError(416, `The content has ${size} bytes`, 'Ask for a range within it.');
  }
  const range = wanted.kind === 'part' ? wanted.range : undefined;
  const bytes = range === undefined ? size : range.end - range.start + 1;
  reply.headers(contentHeaders(content)).header('content-length', bytes);
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${size}`);
  if (request.method === 'HEAD') return '';
  return sent(reply, content, { opened: await content.open(range), bytes, range });
}

/** An attachment is never run as a page of ours, whatever a browser takes it for. */
function contentHeaders({ contentType, disposition }: HandedContent): Record<string, string> {
  return {
    'content-type': contentType,
    'content-disposition': disposition,
    ...(disposition.startsWith('attachment') ? { 'content-security-policy': "default-src 'none'; sandbox" } : {}),
  };
}

interface Opened {
  opened: Buffer | AsyncIterable<Uint8Array>;
  bytes: number;
  range: ContentRange | undefined;
}

function sent(reply: FastifyReply, content: HandedContent, { opened, bytes, range }: Opened): Buffer | Readable {
  let failure: unknown;
  reply.raw.once('close', () => {
    if (reply.raw.writableFinished) content.done(bytes, range);
    else content.failed(failure ?? new AssetError('INTERRUPTED', 'The reader went away before the end'));
  });
  if (Buffer.isBuffer(opened)) return opened;
  const stream = opened instanceof Readable ? opened : Readable.from(opened, { objectMode: false });
  stream.once('error', (error) => {
    failure = error;
  });
  return stream;
}
