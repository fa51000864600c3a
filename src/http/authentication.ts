import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AssetError, asError, toFailure } from '../core/errors.ts';
import type { DownloadLedger } from '../operations/download/download-ledger.ts';
import type { Authenticator, Bearer } from '../operations/tokens/authenticate.ts';

/** open: anyone. read, write: a token of that scope. operations: an operator's token, or a program of this machine. */
export type Access = 'open' | 'read' | 'write' | 'operations';

declare module 'fastify' {
  interface FastifyRequest {
    /** By performance.now(). */
    arrived: number;
    bearer: Bearer | undefined;
    /** Why there is no bearer: thrown once the request has been counted. */
    refusal: unknown;
  }
  interface FastifyContextConfig {
    access?: Access;
    /** What the audit trail calls it. */
    action?: string;
    isCheck?: true;
  }
}

export interface Gate {
  authenticator: Authenticator;
  ledger: DownloadLedger;
  /** For the audit trail. */
  host: string;
  /** In front of the server. */
  proxies: number;
}

/**
 * Finds out who asks before anything of the body is read. Tokens come as bearers alone: what lies in a URL ends up in
 * logs. A bad one is refused only after the rate limit has counted the attempt.
 */
export function authenticateRequests(app: FastifyInstance, { authenticator, ledger, host, proxies }: Gate): void {
  app.decorateRequest('bearer', undefined);
  app.decorateRequest('refusal', undefined);
  app.addHook('onRequest', async (request) => {
    const { access = 'open' } = request.routeOptions.config;
    if (access === 'open') return;
    try {
      request.bearer = await bearerOf(request, authenticator);
      checkAccess(request, access, proxies);
    } catch (error) {
      request.refusal = error;
    }
  });
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    const { refusal } = request;
    if (refusal !== undefined) noteRefusal(request, ledger, host);
    done(refusal === undefined ? undefined : asError(refusal));
  });
}

/** Of a bearer who is known, but may not do this with the token. */
function noteRefusal(
  { bearer, id, params, routeOptions, refusal }: FastifyRequest,
  ledger: DownloadLedger,
  host: string,
): void {
  const { action } = routeOptions.config;
  if (bearer === undefined || action === undefined) return;
  const by = { identity: bearer.identity, audit: { host, correlationId: id } };
  ledger.notPermitted(action, requestedOf(params), toFailure(refusal), by);
}

function requestedOf(params: unknown): string | undefined {
  const id = typeof params === 'object' && params !== null && 'id' in params ? params.id : undefined;
  return typeof id === 'string' ? id : undefined;
}

async function bearerOf(request: FastifyRequest, authenticator: Authenticator): Promise<Bearer | undefined> {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  const [, secret] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
  if (secret === undefined)
    throw new AssetError('TOKEN_INVALID', 'The Authorization header holds no bearer token', HINT);
  return authenticator.bearerOf(secret, request.arrived);
}

const HINT = { hint: 'Send Authorization: Bearer <token>.' };

function checkAccess(request: FastifyRequest, access: Exclude<Access, 'open'>, proxies: number): void {
  const { bearer } = request;
  if (access === 'operations' && bearer === undefined && proxies === 0 && isLocal(request)) return;
  if (bearer === undefined) throw new AssetError('TOKEN_INVALID', 'This needs a token', HINT);
  if (access === 'operations' && bearer.identity.role !== 'operator') {
    throw new AssetError('NOT_PERMITTED', 'This is for operators, and for programs on this machine', {
      hint: "Use an operator's token.",
    });
  }
  const needed = access === 'operations' ? 'read' : access;
  if (bearer.scope.includes(needed)) return;
  throw new AssetError('NOT_PERMITTED', `The token's scope is ${bearer.scope.join(',')}; this needs ${needed}`, {
    hint: `Use a token of scope ${needed}.`,
  });
}

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/** What a proxy on this machine passes on comes from elsewhere, and so does what names another host (DNS rebinding). */
function isLocal(request: FastifyRequest): boolean {
  const { headers } = request;
  const isForwarded = ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via'].some((name) => headers[name] !== undefined);
  return !isForwarded && LOOPBACK_HOST.test(headers.host ?? '') && LOOPBACK.has(request.socket.remoteAddress ?? '');
}
