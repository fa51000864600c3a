import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';

/** What happens to a request instead of a plain answer. */
export type Fault =
  | { kind: 'answer'; status: number; body?: string; headers?: Record<string, string> }
  /** The connection ends before the server sees the request. */
  | { kind: 'reset' }
  /** The server does what was asked, and nobody hears of it. */
  | { kind: 'lost-answer' }
  /** One byte of the body is another when it arrives. */
  | { kind: 'corrupt' }
  /** The answer breaks off in the middle of its body. */
  | { kind: 'cut' }
  /** The server sees the request so many milliseconds later. */
  | { kind: 'delay'; milliseconds: number }
  | { kind: 'silence' };

export interface FaultProxy {
  origin: string;
  /** The next requests that the filter accepts meet these faults, in order; the others pass. */
  plan(faults: readonly Fault[], filter?: (method: string, path: string) => boolean): void;
  /** Every request from now on, until the next plan. */
  always(fault: Fault): void;
  /** Whatever `choose` says, until the next plan. */
  decide(choose: (method: string, path: string) => Fault | undefined): void;
  /** Requests since the last plan. */
  seen(): string[];
  /** Requests that have no whole answer yet. */
  underWay(): number;
  /** When every request has come that was sent before, also those that were given up meanwhile. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** An HTTP proxy in front of one real server, which keeps the Host header that was signed. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  let queue: Fault[] = [];
  let endless: Fault | undefined;
  let choice: ((method: string, path: string) => Fault | undefined) | undefined;
  let accepts = (_method: string, _path: string) => true;
  let requests: string[] = [];
  let underWay = 0;

  function nextFault({ method = '', url = '' }: IncomingMessage): Fault | undefined {
    requests.push(`${method} ${url}`);
    if (endless !== undefined) return endless;
    if (choice !== undefined) return choice(method, url);
    return accepts(method, url) ? queue.shift() : undefined;
  }

  function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (incoming.method === 'OPTIONS') {
      outgoing.end();
      return;
    }
    underWay += 1;
    outgoing.once('close', () => {
      underWay -= 1;
    });
    const fault = nextFault(incoming);
    if (fault?.kind === 'reset') incoming.socket.destroy();
    else if (fault?.kind === 'silence') incoming.resume();
    else if (fault?.kind === 'answer') {
      // What is left of the body goes with the connection.
      outgoing.writeHead(fault.status, { ...fault.headers, connection: 'close' }).end(fault.body ?? '');
    } else if (fault?.kind === 'delay') {
      setTimeout(() => forward(incoming, outgoing, undefined), fault.milliseconds);
    } else forward(incoming, outgoing, fault?.kind);
  }

  function forward(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    fault: 'lost-answer' | 'corrupt' | 'cut' | undefined,
  ): void {
    const { method, url, headers } = incoming;
    const upstream = request({ hostname, port, method, path: url, headers, agent: false }, (answer) => {
      if (fault === 'lost-answer') {
        answer.resume().once('end', () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (fault !== 'cut') answer.pipe(outgoing);
      else answer.once('data', (chunk: Buffer) => cutAfter(outgoing, chunk));
    });
    upstream.on('error', () => incoming.socket.destroy());
    outgoing.on('close', () => upstream.destroy());
    if (fault === 'corrupt') incoming.pipe(oneByteChanged()).pipe(upstream);
    else incoming.pipe(upstream);
  }

  // It ends no connection by itself: a request on its way would be one fault more than planned.
  const server = createServer({ keepAliveTimeout: 0 }, handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    plan(faults, filter = () => true) {
      queue = [...faults];
      endless = undefined;
      choice = undefined;
      accepts = filter;
      requests = [];
    },
    decide(choose) {
      endless = undefined;
      choice = choose;
      requests = [];
    },
    always(fault) {
      endless = fault;
      requests = [];
    },
    underWay: () => underWay,
    async settled() {
      // Whatever was sent before it is read before its answer is.
      await once(request(origin, { method: 'OPTIONS', agent: false }).end(), 'response');
    },
    seen: () => requests,
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function oneByteChanged(): Transform {
  let isChanged = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (!isChanged) {
        // In the middle: around the content there may be what describes it.
        const middle = chunk.length >> 1;
        chunk.writeUInt8(chunk.readUInt8(middle) ^ 1, middle);
      }
      isChanged = true;
      done(null, chunk);
    },
  });
}

function cutAfter(outgoing: ServerResponse, chunk: Buffer): void {
  outgoing.write(chunk.subarray(0, Math.ceil(chunk.length / 2)), () => outgoing.destroy());
}
