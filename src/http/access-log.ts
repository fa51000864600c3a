import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { redactText } from '../core/redact.ts';
import { TOKEN_PREFIX } from '../core/token.ts';
import type { Metrics } from './metrics.ts';

/** Where the lines go: JSON, one a line. */
export interface AccessLog {
  write(entry: Readonly<Record<string, unknown>>): void;
  /** A bug, with its stack. */
  failure(requestId: string, error: unknown): void;
}

export function createAccessLog(writeLine: (line: string) => void, quiet: boolean): AccessLog {
  const write = (entry: Readonly<Record<string, unknown>>): void =>
    writeLine(JSON.stringify({ time: new Date().toISOString(), ...entry }));
  return {
    write(entry) {
      if (!quiet || entry['level'] !== 'info') write(entry);
    },
    failure(requestId, error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      write({ level: 'error', requestId, message: redactText(text) });
    },
  };
}

const MILLISECONDS = 1000;

/** One line and one count for each answer. Never a query, which may be a signed URL's, nor a header. */
export function logAnswers(app: FastifyInstance, log: AccessLog, metrics: Metrics): void {
  app.addHook('onRequest', (request, reply, done) => {
    logAnswer(request, reply, log, metrics);
    done();
  });
}

export function logAnswer(request: FastifyRequest, reply: FastifyReply, log: AccessLog, metrics: Metrics): void {
  metrics.begin();
  // A connection that has ended has no address any more.
  const { ip: address, socket } = request;
  const start: Start = { began: performance.now(), address, socket, written: bytesOut(socket) };
  // Comes after the last byte, and where the client went away before.
  reply.raw.once('close', () => {
    const { method } = request;
    const route = request.routeOptions.url ?? 'none';
    // Fastify takes the time of what it logs itself alone.
    const milliseconds = performance.now() - start.began;
    metrics.end({ method, route, status: statusOf(reply), seconds: milliseconds / MILLISECONDS });
    log.write(entryOf(request, reply, start, milliseconds));
  });
}

/** What is known when a request comes, of its connection. */
interface Start {
  began: number;
  address: string;
  socket: Socket;
  written: number;
}

const CLIENT_CLOSED_REQUEST = 499;

/** As others log it, where the client went away before it was answered. */
function statusOf({ raw, statusCode }: FastifyReply): number {
  return raw.headersSent || raw.writableFinished ? statusCode : CLIENT_CLOSED_REQUEST;
}

/** Those that the operating system has taken. */
function bytesOut(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}

/** Of a whole answer its content; of another what went out of it with its headers. */
function bytesSent(reply: FastifyReply, { socket, written }: Start): number {
  if (!reply.raw.writableFinished) return reply.raw.headersSent ? Math.max(0, bytesOut(socket) - written) : 0;
  return reply.request.method === 'HEAD' ? 0 : Number(reply.getHeader('content-length') ?? 0);
}

function entryOf(
  request: FastifyRequest,
  reply: FastifyReply,
  start: Start,
  milliseconds: number,
): Record<string, unknown> {
  const { method, bearer } = request;
  return {
    level: 'info',
    requestId: request.id,
    method,
    path: loggable(request.url),
    status: statusOf(reply),
    milliseconds: Math.round(milliseconds * 10) / 10,
    bytes: bytesSent(reply, start),
    address: start.address,
    ...(reply.raw.writableFinished ? {} : { aborted: true }),
    ...(bearer === undefined
      ? {}
      : { user: bearer.identity.user, organization: bearer.identity.organization, token: bearer.tokenId }),
  };
}

/** Without the query, and without a token that someone wrote into the path. */
function loggable(url: string): string {
  const [path = ''] = url.split('?', 1);
  return path.includes(TOKEN_PREFIX) ? redactText(path) : path;
}
