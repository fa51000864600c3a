import type { StorageTimeouts } from '../definition.ts';
import type { AnswerBody } from './answer-body.ts';
import { type Connection, openConnection } from './connection.ts';
import { requestHead } from './request-head.ts';
import { whenAborted } from './when-aborted.ts';

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** `https://host:port` */
  origin: string;
  /** With the query; already encoded. */
  path: string;
  headers: Record<string, string>;
  body?: Uint8Array;
  /** The answer comes with all of its body, however long. */
  inMemory?: boolean | undefined;
  /** A body of told length that fits is read into this memory, and comes with the answer. */
  into?: Buffer | undefined;
  /** A long body of told length comes in this memory: each chunk is a piece of it, filled, and nobody else's. */
  pieces?: (() => Buffer | undefined) | undefined;
  signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case; of a repeated header the values are joined. */
  readonly headers: Record<string, string>;
  readonly body: AnswerBody;
}

export interface HttpClient {
  /**
   * Rejects only if no answer came, or not all of a short one; every status is an answer.
   * @throws TypeError for what no request can carry
   */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** Ends what is under way, and what waits. */
  close(): void;
}

const MOST_CONNECTIONS = 128;
/** Servers drop idle connections after a while; a request that meets that moment fails for nothing. */
const MOST_IDLE_MILLISECONDS = 4000;

/** Keep-alive connections that end a silence, in either direction, after a quarter of the deadline. */
export function createHttpClient({ connect, deadline }: StorageTimeouts): HttpClient {
  const pools = new Map<string, Pool>();
  const silence = Math.max(1000, deadline / 4);
  let isClosed = false;

  async function send(request: HttpRequest): Promise<HttpAnswer> {
    request.signal?.throwIfAborted();
    if (isClosed) throw new Error('the client was closed');
    const pool = pools.get(request.origin) ?? createPool(request.origin, { connect, silence });
    pools.set(request.origin, pool);
    const head = requestHead(request, pool.host);
    const connection = pool.takeIdle() ?? (await pool.take(request.signal));
    return connection.send(request, head);
  }

  function close(): void {
    isClosed = true;
    for (const pool of pools.values()) pool.close();
  }

  return { send, close };
}

interface Pool {
  readonly host: string;
  /** One that may be used at once. */
  takeIdle(): Connection | undefined;
  take(signal: AbortSignal | undefined): Promise<Connection>;
  close(): void;
}

function createPool(origin: string, timeouts: { connect: number; silence: number }): Pool {
  const target = new URL(origin);
  const open = new Set<Connection>();
  const idle: { connection: Connection; since: number }[] = [];
  const waiting: (() => void)[] = [];
  let isClosed = false;

  async function take(signal: AbortSignal | undefined): Promise<Connection> {
    signal?.throwIfAborted();
    if (isClosed) throw new Error('the client was closed');
    return takeIdle() ?? (open.size < MOST_CONNECTIONS ? add() : await next(signal));
  }

  /** The one that was used last: the others may end meanwhile. */
  function takeIdle(): Connection | undefined {
    for (let last = idle.pop(); last !== undefined; last = idle.pop()) {
      if (performance.now() - last.since < MOST_IDLE_MILLISECONDS) return last.connection;
      last.connection.close();
    }
    return undefined;
  }

  function add(): Connection {
    const connection = openConnection(target, timeouts, {
      onIdle() {
        idle.push({ connection, since: performance.now() });
        waiting.shift()?.();
      },
      onClose() {
        open.delete(connection);
        const place = idle.findIndex((entry) => entry.connection === connection);
        if (place !== -1) idle.splice(place, 1);
        waiting.shift()?.();
      },
    });
    open.add(connection);
    return connection;
  }

  async function next(signal: AbortSignal | undefined): Promise<Connection> {
    await new Promise<void>((resolve, reject) => {
      const stopWatching = whenAborted(signal, (reason) => {
        const place = waiting.indexOf(turn);
        if (place !== -1) waiting.splice(place, 1);
        reject(reason);
      });
      const turn = () => {
        stopWatching();
        resolve();
      };
      waiting.push(turn);
    });
    // Whoever stopped at its turn leaves it to the next.
    if (signal?.aborted === true) waiting.shift()?.();
    return take(signal);
  }

  function close(): void {
    isClosed = true;
    for (const connection of open) connection.close();
    for (const turn of waiting.splice(0)) turn();
  }

  return { host: target.host, takeIdle, take, close };
}
