import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AssetError } from '../core/errors.ts';
import type { OperationContext } from '../operations/context.ts';
import type { DownloadLedger } from '../operations/download/download-ledger.ts';
import type { SharedUploads } from '../operations/upload/upload-together.ts';
import type { AccessLog } from './access-log.ts';
import type { Access } from './authentication.ts';
import type { Metrics } from './metrics.ts';

/** What all routes share. */
export interface Serving {
  context: OperationContext;
  version: string;
  uploads: SharedUploads;
  /** Requests that are being worked on, whether or not their clients still wait. */
  underWay: Set<Promise<unknown>>;
  ledger: DownloadLedger;
  metrics: Metrics;
  log: AccessLog;
  openApi: object;
}

/** JSON Schema, as Fastify checks requests by it and OpenAPI describes them. */
export type Schema = Readonly<Record<string, unknown>>;

/** The body of an answer; none of one that has only a status. */
export type Sent = string | Buffer | Readable | undefined;

/** One operation of the API. What it takes is checked by the schemas that /openapi.json shows. */
export interface Route {
  methods: readonly ('GET' | 'HEAD' | 'POST' | 'DELETE')[];
  /** As Fastify writes it. */
  url: string;
  access: Access;
  summary: string;
  /** What the audit trail calls it, and its refusal for want of a scope. */
  action?: string;
  /** Whoever watches over the server asks it: it comes before other work, and as often as they like. */
  isCheck?: true;
  /** Milliseconds after which 503 is the answer. */
  answersWithin?: number;
  params?: Schema;
  querystring?: Schema;
  headers?: Schema;
  body?: Schema;
  /** What the body comes as, where that is not JSON: Fastify leaves it alone. */
  bodyType?: 'multipart/form-data';
  /** By status; what goes wrong is the same for all. */
  responses: Readonly<Record<number, RouteResponse>>;
  /**
   * @returns what is sent. Never the reply: waiting for that, the framework listens to the connection from all sides.
   */
  handle(serving: Serving, request: FastifyRequest, reply: FastifyReply): Promise<Sent>;
}

export interface RouteResponse {
  description: string;
  /** Without it: JSON by the schema. */
  contentType?: string;
  schema?: Schema;
}

export interface RegisteredRoute extends Route {
  register(app: FastifyInstance, serving: Serving): void;
}

export function defineRoute(route: Route): RegisteredRoute {
  const { methods, url, access, action, isCheck, answersWithin, params, querystring, body, bodyType } = route;
  return {
    ...route,
    register(app, serving) {
      app.route({
        method: [...methods],
        url,
        config: {
          access,
          ...(action === undefined ? {} : { action }),
          ...(isCheck === undefined ? {} : { isCheck }),
        },
        ...(answersWithin === undefined ? {} : { handlerTimeout: answersWithin }),
        schema: {
          ...(params === undefined ? {} : { params }),
          ...(querystring === undefined ? {} : { querystring }),
          ...(body === undefined || bodyType !== undefined ? {} : { body }),
        },
        handler: (request, reply) => tracked(serving.underWay, route.handle(serving, request, reply)),
      });
    },
  };
}

function tracked<T>(underWay: Set<Promise<unknown>>, work: Promise<T>): Promise<T> {
  const done = work.finally(() => underWay.delete(done));
  underWay.add(done);
  return done;
}

/** The world of one request: its bearer acts, and the audit trail carries its id. */
export function contextOf({ context }: Serving, request: FastifyRequest): OperationContext {
  const { bearer } = request;
  if (bearer === undefined) throw new AssetError('TOKEN_INVALID', 'This needs a token');
  return {
    ...context,
    identity: bearer.identity,
    audit: { host: context.audit.host, correlationId: request.id },
  };
}

export const JSON_TYPE = 'application/json; charset=utf-8';

export function answerJson(reply: FastifyReply, status: number, value: object): string {
  reply.code(status).type(JSON_TYPE);
  return JSON.stringify(value);
}

/** The one outcome of an operation on one item, which is driven to its end. */
export async function only<T>(outcomes: AsyncIterable<T>): Promise<T> {
  const results: T[] = [];
  for await (const outcome of outcomes) results.push(outcome);
  const [first] = results;
  if (first !== undefined) return first;
  throw new AssetError('INTERRUPTED', 'The server is stopping', { hint: 'Try again.' });
}
