import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AssetError } from '../core/errors.ts';
import type { AccessLog } from './access-log.ts';
import {
  describeFailure,
  HttpError,
  isServerFailure,
  PROBLEM_TYPE,
  type Problem,
  RETRY_AFTER_SECONDS,
  toProblem,
} from './problems.ts';
import { ROUTES } from './routes/index.ts';

/** What every answer says, also that to what never became a request. */
export function commonHeaders(requestId: string): Record<string, string> {
  return {
    'x-request-id': requestId,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  };
}

/** What Node would refuse by itself, without a word. */
export function refusalOfStrange(
  { raw: { headers, httpVersionMinor } }: FastifyRequest,
  reply: FastifyReply,
): HttpError | undefined {
  const hasHost = headers.host !== undefined || httpVersionMinor === 0;
  const isExpected = headers.expect === undefined || headers.expect.toLowerCase() === '100-continue';
  if (hasHost && isExpected) return undefined;
  reply.header('connection', 'close');
  if (!hasHost) return new HttpError(400, 'The Host header is missing', READABLE);
  return new HttpError(417, 'The only thing to expect is 100-continue', 'Leave the Expect header out.');
}

const READABLE = 'Send HTTP/1.1.';

/** What is no HTTP, or too slow or too large in its headers, and never becomes a request. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket, log: AccessLog): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  const requestId = randomUUID();
  const problem = toProblem(new HttpError(status, 'This is not a request that can be read', READABLE), requestId);
  const body = JSON.stringify(problem);
  // A request that is cut off has a line of its own.
  if (error.code !== 'HPE_INVALID_EOF_STATE')
    log.write({ level: 'info', requestId, status, reason: error.code, address: socket.remoteAddress });
  const headers = Object.entries({
    ...commonHeaders(requestId),
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${problem.title}\r\n${headers.join('')}\r\n${body}`);
}

export function answerErrors(app: FastifyInstance, log: AccessLog): void {
  app.setErrorHandler((failure, request, reply) => {
    const error = isLate(failure) ? new AssetError('TIMEOUT', 'The catalog does not answer', TRY_AGAIN) : failure;
    if (isServerFailure(error)) log.failure(request.id, describeFailure(error));
    // Returned, it would be listened to once more, after all that the stream of a broken answer did.
    sendProblem(reply, toProblem(error, request.id));
  });
}

/** Paths that do not exist are counted like all others. */
export function answerUnknownPaths(app: FastifyInstance, isLimited: boolean): void {
  app.setNotFoundHandler(isLimited ? { preValidation: app.rateLimit() } : {}, (request, reply) => {
    const error = new HttpError(404, 'There is nothing at this path', 'See /openapi.json for what there is.');
    return sendProblem(reply, toProblem(error, request.id));
  });
}

const TRY_AGAIN = { hint: 'Try again.' };

function isLate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'FST_ERR_HANDLER_TIMEOUT';
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { status } = problem;
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="asset-cli"');
  if (status === 503) reply.header('retry-after', String(RETRY_AFTER_SECONDS));
  // Of the content that this is sent in place of.
  for (const name of ['content-disposition', 'content-encoding', 'content-range', 'etag', 'content-security-policy']) {
    if (status !== 416 || name !== 'content-range') reply.removeHeader(name);
  }
  reply.header('cache-control', 'no-store');
  return reply.code(status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** 405 and what is allowed, for every path that exists. */
export function refuseOtherMethods(app: FastifyInstance): void {
  const allowed = new Map<string, string[]>();
  for (const { url, methods } of ROUTES) allowed.set(url, [...(allowed.get(url) ?? []), ...methods]);
  for (const [url, methods] of allowed) {
    app.route({
      method: METHODS.filter((method) => !methods.includes(method)),
      url,
      config: { access: 'open' },
      handler: (request: FastifyRequest, reply) => {
        reply.header('allow', methods.join(', '));
        const error = new HttpError(405, `${request.method} is not for this path`, `Use ${methods.join(' or ')}.`);
        return sendProblem(reply, toProblem(error, request.id));
      },
    });
  }
}
