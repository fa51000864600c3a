import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** How slowly a client may send its request, or take its answer. */
export interface Pace {
  /** So many bytes at least... */
  progressBytes: number;
  /** ...in so many milliseconds, or all that remains. */
  progressTimeout: number;
}

/** A request with its answer, and how far it had come when it was last judged. */
interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  phase: Phase;
  bytes: number;
  since: number;
}

type Phase = 'receiving' | 'working' | 'answering';

const MOST_CHECKS_A_TIMEOUT = 10;
const SLOWEST_CHECK_MILLISECONDS = 1000;

/**
 * Ends connections whose clients are too slow, and only those: while the server works, nobody has to send or take a byte.
 * @returns ends the watch
 */
export function endSlowClients(server: Server, pace: Pace): () => void {
  const exchanges = new Set<Exchange>();
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const exchange: Exchange = { request, response, phase: 'working', bytes: 0, since: performance.now() };
    exchanges.add(exchange);
    response.once('close', () => exchanges.delete(exchange));
  });
  const interval = Math.min(SLOWEST_CHECK_MILLISECONDS, pace.progressTimeout / MOST_CHECKS_A_TIMEOUT);
  const checking = setInterval(() => {
    const now = performance.now();
    for (const exchange of exchanges) if (isTooSlow(exchange, pace, now)) exchange.request.socket.destroy();
  }, interval);
  checking.unref();
  return () => clearInterval(checking);
}

function isTooSlow(exchange: Exchange, pace: Pace, now: number): boolean {
  const phase = phaseOf(exchange);
  const bytes = bytesOf(exchange, phase);
  const hasMoved = phase !== exchange.phase || bytes - exchange.bytes >= pace.progressBytes;
  if (phase === 'working' || hasMoved) {
    Object.assign(exchange, { phase, bytes, since: now });
    return false;
  }
  return now - exchange.since >= pace.progressTimeout;
}

/** Who is waited for: only a client that is read from sends, only one for whom bytes wait takes them. */
function phaseOf({ request, response }: Exchange): Phase {
  if (response.headersSent) return request.socket.writableLength > 0 ? 'answering' : 'working';
  return !request.complete && request.readableFlowing === true ? 'receiving' : 'working';
}

function bytesOf({ request: { socket } }: Exchange, phase: Phase): number {
  return phase === 'receiving' ? socket.bytesRead : socket.bytesWritten - socket.writableLength;
}
