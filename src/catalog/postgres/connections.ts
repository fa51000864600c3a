import type { Pool, PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { failureOfAll, isLost, isOutOfConnections } from './errors.ts';
import { connectPool, type OpenPool, type PoolTimes } from './pool.ts';
import { checkSession, isOfAnotherKind } from './session.ts';
import { locationOf, type PostgresServer, type PostgresSettings, type SessionKind } from './settings.ts';

/** What takes a statement: one connection, or any of them. */
export interface Queries {
  query<R extends QueryResultRow>(statement: string | QueryConfig, values?: unknown[]): Promise<QueryResult<R>>;
}

/** Connections to whichever of the catalog's servers is the right one. */
export interface Connections extends Queries {
  connect(): Promise<PoolClient>;
  /** Never waits for a server that does not answer. */
  close(): Promise<void>;
}

/**
 * As libpq: the servers are tried in their order until one answers and is of the kind that is asked for; one that refuses
 * the login ends the search. Later connections go to the same server, and to the next ones once that is lost.
 */
export async function openConnections(settings: PostgresSettings, times: PoolTimes): Promise<Connections> {
  let kind = settings.session;
  const check = (server: PostgresServer) => (client: Parameters<typeof checkSession>[0]) =>
    checkSession(client, kind, locationOf([server], settings.user, settings.database));
  const members = settings.servers.map((server) =>
    poolOnDemand(() => connectPool(server, settings, times, check(server))),
  );
  const connect = connectInTurn(members);

  const kinds = settings.session === 'prefer-standby' ? preferredKinds(members.length) : [settings.session];
  for (kind of kinds) {
    try {
      (await connect()).release();
      break;
    } catch (error) {
      if (kind === kinds.at(-1) || !mayAnotherDo(error)) throw error;
    }
  }
  // What was preferred is asked for once: afterwards a server that lives is better than none.
  if (settings.session === 'prefer-standby') kind = 'any';
  return {
    connect,
    query: (statement, values) => onClient({ connect }, (client) => client.query(statement, values)),
    close: async () => {
      await Promise.all(members.map((member) => member.close()));
    },
  };
}

/** Of one server there is no other to prefer. */
function preferredKinds(servers: number): SessionKind[] {
  return servers === 1 ? ['any'] : ['standby', 'any'];
}

function connectInTurn(members: readonly PoolOnDemand[]): () => Promise<PoolClient> {
  let current = 0;
  return async () => {
    const failures: unknown[] = [];
    while (failures.length < members.length) {
      const index = current;
      try {
        const pool = await members[index]?.open();
        if (pool === undefined) throw new Error('no such server');
        return await pool.connect();
      } catch (error) {
        if (!mayAnotherDo(error)) throw error;
        failures.push(error);
      }
      // Another that failed at the same time may have gone on already.
      if (current === index) current = (index + 1) % members.length;
    }
    throw failureOfAll(failures);
  };
}

function mayAnotherDo(error: unknown): boolean {
  return isOfAnotherKind(error) || (isLost(error) && !isOutOfConnections(error));
}

interface PoolOnDemand {
  open(): Promise<Pool>;
  close(): Promise<void>;
}

/** A failed attempt is forgotten. */
function poolOnDemand(connect: () => Promise<OpenPool>): PoolOnDemand {
  let opened: Promise<OpenPool> | undefined;
  return {
    async open() {
      opened ??= connect().catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      return (await opened).pool;
    },
    async close() {
      await (await opened)?.close();
    },
  };
}

export async function onClient<T>(
  { connect }: Pick<Connections, 'connect'>,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await connect();
  let isBroken = false;
  try {
    return await work(client);
  } catch (error) {
    isBroken = isLost(error);
    throw error;
  } finally {
    client.release(isBroken);
  }
}
