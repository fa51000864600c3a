import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect } from 'kysely';
import type { ClientBase, Pool, PoolClient, PoolConfig } from 'pg';
import type readPassword from 'pgpass';
import { AssetError } from '../../core/errors.ts';
import type { OpenTables } from '../tables.ts';
import { serverLacksTls } from './errors.ts';
import type { PostgresServer, PostgresSettings } from './settings.ts';

/** One for the work, one for leases that are renewed meanwhile, and some for reads beside them. */
const MOST_CONNECTIONS = 5;
const LONGEST_GOODBYE = 1000;

/** Answers in the catalog's own values: ISO 8601, numbers, JSON as text. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  20: Number,
  114: (text) => text,
  1184: readTime,
  1700: Number,
  3802: (text) => text,
};

const ISO_TIME = /^(\d{4,6})(-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(?::(\d\d))?(?::(\d\d))?( BC)?$/;

/**
 * As DateStyle ISO has it, in the time zone of the session: the end of the year 9999 is in the year 10000 there, the
 * beginning of the year 1 may be before Christ, and before zones were agreed on they had seconds. Of another style (SQL,
 * German) the day and the month would be taken for each other.
 * @throws AssetError DATABASE_UNUSABLE
 */
function readTime(text: string): string {
  const [, year = '', day = '', time = '', hours = '', minutes = '0', seconds = '0', era] = ISO_TIME.exec(text) ?? [];
  if (year === '') {
    throw new AssetError('DATABASE_UNUSABLE', `the database writes a time as "${text}", which can be misread`, {
      hint: 'Set its DateStyle to ISO: alter database … set datestyle to iso (also of the role, and in PGOPTIONS).',
    });
  }
  const local = Date.parse(`${era === undefined ? fullYear(Number(year)) : fullYear(1 - Number(year))}${day}T${time}Z`);
  const offset = Math.abs(Number(hours)) * 3600 + Number(minutes) * 60 + Number(seconds);
  return new Date(local - (hours.startsWith('-') ? -offset : offset) * 1000).toISOString();
}

/** With a sign and six digits, as Date reads every year. */
function fullYear(year: number): string {
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`;
}

/** Milliseconds. */
export interface PoolTimes {
  connect: number;
  /** For the answer to one statement: a server that falls silent is given up after it. */
  query: number;
}

export interface OpenPool {
  pool: Pool;
  /** Never waits for a server that does not answer. */
  close(): Promise<void>;
}

/** What every connection is asked before it is used; it rejects what must not be. */
export type CheckConnection = (client: ClientBase) => Promise<void>;

/**
 * Connections to one server as psql would make them: sslmode `prefer` and `allow` go on without TLS where the server has
 * none. Nothing is set for a session, so that a pooler may give each transaction another one.
 */
export async function connectPool(
  server: PostgresServer,
  settings: PostgresSettings,
  times: PoolTimes,
  check: CheckConnection,
): Promise<OpenPool> {
  const attempt = (useTls: boolean) => tryPool(poolConfig(server, settings, times, useTls), server, check);
  if (server.sslMode === 'disable') return attempt(false);
  try {
    return await attempt(true);
  } catch (error) {
    const mayGoWithout = server.sslMode === 'prefer' || server.sslMode === 'allow';
    if (!mayGoWithout || !serverLacksTls(error)) throw error;
    return attempt(false);
  }
}

function poolConfig(server: PostgresServer, settings: PostgresSettings, times: PoolTimes, useTls: boolean): PoolConfig {
  const place = { host: server.host, port: server.port, user: settings.user, database: settings.database };
  return {
    ...place,
    application_name: settings.applicationName,
    connectionTimeoutMillis: times.connect,
    query_timeout: times.query,
    keepAlive: true,
    max: MOST_CONNECTIONS,
    ssl: useTls ? server.tls : false,
    password: settings.password ?? (() => filedPassword(place)),
    ...(settings.options === undefined ? {} : { options: settings.options }),
  };
}

/** As ~/.pgpass says, or none. The driver would look there itself, but warns whoever uses it that it will stop to. */
async function filedPassword(place: Parameters<typeof readPassword>[0]): Promise<string> {
  const { default: read } = await import('pgpass');
  return new Promise((resolve) => read(place, (password) => resolve(password ?? '')));
}

async function tryPool(settings: PoolConfig, { address }: PostgresServer, check: CheckConnection): Promise<OpenPool> {
  const { default: pg } = await import('pg');
  const sockets = new Set<Socket>();
  const config: PoolConfig = {
    ...settings,
    stream: () => {
      const socket = address === undefined ? new Socket() : socketTo(address);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return socket;
    },
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') => PARSERS[oid] ?? pg.types.getTypeParser(oid, format),
    },
    onConnect: check,
  };
  const pool = new pg.Pool(config);
  // A connection that breaks is replaced; whoever uses it hears of it by its own query.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  try {
    (await pool.connect()).release();
  } catch (error) {
    // Without a password the driver gives up in the middle of the handshake, and leaves its socket open.
    for (const socket of sockets) socket.destroy();
    // Not waited for: it never ends where the driver threw before it had a connection.
    void pool.end();
    throw error;
  }
  return { pool, close: () => closePool(pool, sockets) };
}

/** The driver goes on knowing the host by its name, which TLS and ~/.pgpass ask for. */
function socketTo(address: string): Socket {
  const socket = new Socket();
  const connect: (options: { host: string; port: number }) => Socket = socket.connect;
  return Object.assign(socket, { connect: (port: number) => connect.call(socket, { host: address, port }) });
}

async function closePool(pool: Pool, sockets: ReadonlySet<Socket>): Promise<void> {
  const timer = new AbortController();
  const late = sleep(LONGEST_GOODBYE, 'late', { signal: timer.signal }).catch(() => 'stopped');
  const isLate = (await Promise.race([pool.end(), late])) === 'late';
  timer.abort();
  // What was said goodbye to may never close its end; that must not keep the process.
  for (const socket of sockets) isLate ? socket.destroy() : socket.unref();
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
