import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What goes wrong on one connection. */
export interface Fault {
  /** Ends the connection when so many bytes went to the server. */
  cutAfter?: number;
  /** Takes the place of the server's answer. */
  answer?: string | Buffer;
  /** The answer comes as soon as anything was sent. */
  early?: boolean;
  /** Nothing goes back. */
  silent?: boolean;
}

export interface FaultProxy {
  readonly host: string;
  readonly port: number;
  /** How many connections there were. */
  readonly connections: number;
  /** How many of them have ended. */
  readonly ended: number;
  close(): Promise<void>;
}

/** A TCP proxy whose nth connection (from 0) suffers `fault(n)`; none if that is undefined. */
export async function startFaultProxy(target: number, fault: (nth: number) => Fault | undefined): Promise<FaultProxy> {
  let connections = 0;
  let ended = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.on('close', () => {
      ended += 1;
      upstream.destroy();
    });
    relay(client, upstream, fault(connections) ?? {});
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    host: '127.0.0.1',
    port: address.port,
    get connections() {
      return connections;
    },
    get ended() {
      return ended;
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function relay(client: Socket, upstream: Socket, fault: Fault): void {
  let sent = 0;
  client.on('data', (chunk) => {
    sent += chunk.length;
    if (fault.cutAfter !== undefined && sent > fault.cutAfter) {
      client.resetAndDestroy();
      return;
    }
    if (fault.early === true) {
      if (sent === chunk.length) client.write(fault.answer ?? '');
    } else if (!upstream.write(chunk)) {
      client.pause();
      upstream.once('drain', () => client.resume());
    }
  });
  upstream.on('data', (chunk) => {
    if (fault.silent !== true) client.write(fault.answer ?? chunk);
  });
  upstream.on('close', () => {
    if (fault.silent !== true) client.end();
    else if (fault.cutAfter !== undefined) client.resetAndDestroy();
  });
}
