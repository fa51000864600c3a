import type { FastifyInstance } from 'fastify';
import { AssetError } from '../core/errors.ts';

const MINUTE = 60_000;
const MOST_CLIENTS = 20_000;

/** So many requests a minute for each token, or for each address without one; 0: any number. */
export async function limitRates(app: FastifyInstance, perMinute: number): Promise<void> {
  if (perMinute === 0) return;
  await app.register(import('@fastify/rate-limit'), {
    global: true,
    max: perMinute,
    timeWindow: MINUTE,
    cache: MOST_CLIENTS,
    hook: 'onRequest',
    allowList: (request) => request.routeOptions.config.isCheck === true,
    keyGenerator: (request) => request.bearer?.tokenId ?? request.ip,
    errorResponseBuilder: (_request, { after }) =>
      new AssetError('RATE_LIMITED', `More than ${perMinute} requests in a minute`, { hint: `Try again in ${after}.` }),
  });
}
