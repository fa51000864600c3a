import { Socket } from 'node:net';
import { Kysely, PostgresDialect } from 'kysely';
import type { Pool, PoolClient, PoolConfig } from 'pg';
import type { OpenTables } from '../tables.ts';
import { serverLacksTls } from './errors.ts';
import type { PostgresSettings } from './settings.ts';

/** One for the work, one for leases that are renewed meanwhile, and some for reads beside them. */
const MOST_CONNECTIONS = 5;
const QUERY_TIMEOUT = 120_000;

/** Answers in the catalog's own values: ISO 8601, numbers, JSON as text. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  20: Number,
  114: (text) => text,
  1184: (text) => new Date(text).toISOString(),
  1700: Number,
  3802: (text) => text,
};

/**
 * Connections as psql would make them: sslmode `prefer` and `allow` go on without TLS where the server has none.
 * Nothing is set for a session, so that a pooler may give each transaction another one.
 */
export async function connectPool(settings: PostgresSettings): Promise<Pool> {
  if (settings.sslMode === 'disable') return tryPool(settings, false);
  try {
    return await tryPool(settings, true);
  } catch (error) {
    const mayGoWithout = settings.sslMode === 'prefer' || settings.sslMode === 'allow';
    if (!mayGoWithout || !serverLacksTls(error)) throw error;
    return tryPool(settings, false);
  }
}

async function tryPool(settings: PostgresSettings, useTls: boolean): Promise<Pool> {
  const { default: pg } = await import('pg');
  const sockets: Socket[] = [];
  let isProbing = true;
  const config: PoolConfig = {
    host: settings.host,
    port: settings.port,
    user: settings.user,
    database: settings.database,
    application_name: settings.applicationName,
    connectionTimeoutMillis: settings.connectTimeoutMilliseconds,
    query_timeout: QUERY_TIMEOUT,
    keepAlive: true,
    max: MOST_CONNECTIONS,
    ssl: useTls ? settings.tls : false,
    stream: () => {
      const socket = new Socket();
      if (isProbing) sockets.push(socket);
      return socket;
    },
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') => PARSERS[oid] ?? pg.types.getTypeParser(oid, format),
    },
    ...(settings.password === undefined ? {} : { password: settings.password }),
    ...(settings.options === undefined ? {} : { options: settings.options }),
  };
  const pool = new pg.Pool(config);
  // A connection that breaks is replaced; whoever uses it hears of it by its own query.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  try {
    (await pool.connect()).release();
    isProbing = false;
    return pool;
  } catch (error) {
    // Without a password the driver gives up in the middle of the handshake, and leaves its socket open.
    for (const socket of sockets) socket.destroy();
    await pool.end();
    throw error;
  }
}

/** Typed queries on one connection of the pool. */
export function queriesOn(client: PoolClient): Kysely<OpenTables> {
  const connection = {
    query: client.query.bind(client),
    release: () => undefined,
  } as PoolClient;
  return new Kysely<OpenTables>({
    dialect: new PostgresDialect({ pool: { connect: async () => connection, end: async () => undefined } }),
  });
}
