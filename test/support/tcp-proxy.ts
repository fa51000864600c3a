import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  port: number;
  /** Cuts every connection, and refuses new ones until `resume`. */
  cut(): void;
  resume(): void;
  /** Cuts every connection, as `cut` does, instead of delivering the nth message of a client that holds this text. */
  cutAllAt(text: string, nth: number): Promise<void>;
  /**
   * The next message of a client that holds this text goes to the server (`deliver`) or not, and its connection
   * is cut before the answer comes back; `forGood` refuses new connections from then on.
   */
  cutAt(text: string, deliver: boolean, forGood?: boolean): void;
  close(): Promise<void>;
}

/** A connection to a server that can be cut at a chosen moment. */
export async function tcpProxy(host: string, port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let trap: { text: string; deliver: boolean; forGood: boolean } | undefined;
  let snare: { text: string; left: number; sprung: () => void } | undefined;

  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(port, host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      // The other side of a cut connection: the peer sees it by the close that follows.
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    let isMuted = false;
    client.on('data', (chunk) => {
      if (isSnared(chunk)) return cut();
      if (trap === undefined || !chunk.includes(trap.text)) {
        upstream.write(chunk);
        return;
      }
      const { deliver, forGood } = trap;
      isCut ||= forGood;
      trap = undefined;
      isMuted = true;
      if (deliver) upstream.write(chunk);
      else upstream.destroy();
      if (!deliver) client.destroy();
    });
    upstream.on('data', (chunk) => {
      if (isMuted) client.destroy();
      else client.write(chunk);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  function isSnared(chunk: Buffer): boolean {
    if (snare === undefined || !chunk.includes(snare.text)) return false;
    snare.left -= 1;
    if (snare.left > 0) return false;
    snare.sprung();
    snare = undefined;
    return true;
  }

  function cut(): void {
    isCut = true;
    destroyAll();
  }

  function destroyAll(): void {
    for (const socket of sockets) socket.destroy();
  }

  return {
    port: address.port,
    cut,
    cutAllAt(text, nth) {
      return new Promise((resolve) => {
        snare = { text, left: nth, sprung: resolve };
      });
    },
    resume() {
      isCut = false;
    },
    cutAt(text, deliver, forGood = false) {
      trap = { text, deliver, forGood };
    },
    async close() {
      destroyAll();
      server.close();
      await once(server, 'close');
    },
  };
}
