import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { AssetError } from '../core/errors.ts';
import type { OperationContext } from '../operations/context.ts';
import { DownloadLedger } from '../operations/download/download-ledger.ts';
import { createAuthenticator } from '../operations/tokens/authenticate.ts';
import { shareUploads } from '../operations/upload/upload-together.ts';
import { type AccessLog, logAnswer, logAnswers } from './access-log.ts';
import { authenticateRequests } from './authentication.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { toOpenApi } from './openapi.ts';
import { endSlowClients, type Pace } from './patience.ts';
import { toProblem } from './problems.ts';
import { limitRates } from './rate-limits.ts';
import {
  answerErrors,
  answerUnknownPaths,
  commonHeaders,
  refusalOfStrange,
  refuseMalformed,
  refuseOtherMethods,
  sendProblem,
} from './refusals.ts';
import type { Serving } from './route.ts';
import { ROUTES } from './routes/index.ts';
import { stopInSteps } from './stopping.ts';
import { createTurns, type Kind } from './turns.ts';
import { leaveRefusedBodies } from './unread-bodies.ts';

/** How much a client may take of the server, in bytes and milliseconds. */
export interface ServeLimits extends Pace {
  /** All headers of a request. */
  headerBytes: number;
  /** For the headers to arrive. */
  headersTimeout: number;
  /** For a request to arrive whole. */
  requestTimeout: number;
  /** Between two requests on a connection; longer than load balancers wait by default. */
  keepAliveTimeout: number;
  /** For requests under way when the server is told to stop; all of the stop takes at most 2 s more. */
  grace: number;
}

export const SERVE_LIMITS: ServeLimits = {
  headerBytes: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 300_000,
  progressBytes: 64 * 1024,
  progressTimeout: 60_000,
  keepAliveTimeout: 72_000,
  grace: 8_000,
};

export interface ServerOptions {
  /** Whose identity is nobody's: each request brings its own. */
  context: OperationContext;
  version: string;
  /** Proxies in front, whose `X-Forwarded-For` is believed. */
  proxies: number;
  limits?: Partial<ServeLimits>;
  log: AccessLog;
}

export interface Server {
  /** @returns where it listens @throws AssetError UNAVAILABLE */
  listen(host: string, port: number): Promise<string>;
  /** Takes no more requests, and lets those under way finish for a while. */
  close(): Promise<void>;
}

const TURN_MILLISECONDS = 2;
const SLOWEST_CHECK_MILLISECONDS = 1000;
const FLUSH_MILLISECONDS = 250;
const MOST_JSON_BYTES = 64 * 1024;
const LONGEST_PARAMETER = 4096;

/** The HTTP side of the operations: as many of these as are wanted share one catalog. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const limits = { ...SERVE_LIMITS, ...options.limits };
  const stopping = new AbortController();
  // Every request under way listens to it.
  setMaxListeners(0, stopping.signal);
  const context: OperationContext = { ...options.context, signal: stopping.signal };
  const metrics = createMetrics();
  const app = createApp(limits, options, metrics);
  const serving: Serving = {
    context,
    version: options.version,
    uploads: shareUploads(context),
    underWay: new Set(),
    ledger: new DownloadLedger(context),
    metrics,
    log: options.log,
    openApi: toOpenApi(ROUTES, options.version),
  };
  const authenticator = createAuthenticator(context);
  const flush = async (): Promise<void> => {
    await Promise.all([serving.ledger.write(), authenticator.flush()]);
  };
  const flushing = setInterval(() => void flush(), FLUSH_MILLISECONDS);
  flushing.unref();

  const endWatch = endSlowClients(app.server, limits);
  answerErrors(app, options.log);
  app.addHook('onRequest', (request, reply, done) => done(refusalOfStrange(request, reply)));
  const close = stopInSteps(app, {
    grace: limits.grace,
    stopping,
    underWay: serving.underWay,
    refuse: (reply, error) => sendProblem(reply, toProblem(error, reply.request.id)),
    async finish() {
      clearInterval(flushing);
      endWatch();
      await flush();
    },
  });
  authenticateRequests(app, {
    authenticator,
    ledger: serving.ledger,
    host: context.audit.host,
    proxies: options.proxies,
  });
  leaveRefusedBodies(app, context.rules, stopping.signal);
  await limitRates(app, context.serving.rateLimit);
  answerUnknownPaths(app, context.serving.rateLimit > 0);
  await allowOrigins(app, context.serving.corsOrigins);
  readEmptyJson(app);
  // Its route reads it as it comes.
  app.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null));
  for (const route of ROUTES) route.register(app, serving);
  refuseOtherMethods(app);

  return {
    async listen(host, port) {
      const url = await listen(app, host, port);
      context.serving.listensAt(url);
      return url;
    },
    close,
  };
}

function createApp(limits: ServeLimits, { proxies, log }: ServerOptions, metrics: Metrics): FastifyInstance {
  const app = Fastify({
    logger: false,
    trustProxy: (_address, hop) => hop < proxies,
    genReqId: () => randomUUID(),
    bodyLimit: MOST_JSON_BYTES,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.keepAliveTimeout,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    schemaErrorFormatter: describeMismatch,
    ajv: { customOptions: { coerceTypes: true, removeAdditional: false, allErrors: false } },
    http: {
      requireHostHeader: false,
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeout,
      connectionsCheckingInterval: Math.min(SLOWEST_CHECK_MILLISECONDS, limits.headersTimeout),
    },
    clientErrorHandler: (error, socket) => refuseMalformed(error, socket, log),
    frameworkErrors: (error, request, reply) => {
      // None of the hooks sees these.
      logAnswer(request, reply, log, metrics);
      reply.headers(commonHeaders(request.id));
      return sendProblem(reply, toProblem(error, request.id));
    },
  });
  // First, so that the wait for a turn counts.
  logAnswers(app, log, metrics);
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  const turns = createTurns(TURN_MILLISECONDS);
  // Until it is known: after every question for a token.
  app.decorateRequest('arrived', Number.POSITIVE_INFINITY);
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(commonHeaders(request.id));
    request.arrived = performance.now();
    const turn = turns(kindOf(request));
    if (turn === undefined) done();
    else turn.then(() => done(), done);
  });
  return app;
}

function kindOf({ method, routeOptions }: FastifyRequest): Kind {
  if (routeOptions.config.isCheck === true) return 'check';
  return method === 'GET' || method === 'HEAD' ? 'read' : 'write';
}

/** Many clients name the type of a body that they do not send. */
function readEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, null);
    else parse(request, body, done);
  });
}

/** One reason is enough: where several kinds of a query are possible, a validator says what each of them lacks. */
function describeMismatch(errors: readonly { instancePath: string; message?: string }[], place: string): Error {
  const [{ instancePath, message } = { instancePath: '', message: undefined }] = errors;
  return new Error(`${place}${instancePath} ${message ?? 'is not as described'}`);
}

/** Off unless the configuration names origins: there are no cookies that another site could use. */
async function allowOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  await app.register(import('@fastify/cors'), {
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'range', 'if-none-match', 'if-range'],
    exposedHeaders: ['content-disposition', 'content-range', 'etag', 'x-request-id', 'retry-after'],
    maxAge: 600,
  });
}

const LISTENING_HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Something else listens there already: choose another --port or --host.',
  EACCES: 'Ports below 1024 are for root: choose another --port.',
  EADDRNOTAVAIL: 'This machine does not have that address: choose another --host, or 0.0.0.0 for all it has.',
  ENOTFOUND: 'There is no such name: choose another --host.',
};

async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!/^E[A-Z]+$/.test(code)) throw error;
    throw new AssetError('UNAVAILABLE', `Cannot listen at ${host}:${port} (${code})`, {
      hint: LISTENING_HINTS[code] ?? 'Choose another --host or --port.',
      cause: error,
    });
  }
}
