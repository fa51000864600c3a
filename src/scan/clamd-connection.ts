import { createConnection, type Socket } from 'node:net';

export type ClamdAddress = { host: string; port: number } | { socket: string };

export interface ClamdConnectionOptions {
  address: ClamdAddress;
  /** Milliseconds until the connection must stand. */
  connectTimeout: number;
  /** Milliseconds in which something must happen: bytes taken, or the answer. */
  responseTimeout: number;
}

/**
 * unreachable: no connection. cut: it ended before an answer. timeout: nothing happened for too long.
 * garbled: what came is no answer. refused: clamd itself reports a failure of its own.
 */
export type ClamdFaultKind = 'unreachable' | 'cut' | 'timeout' | 'garbled' | 'refused';

/** Why there is no usable answer. */
export class ClamdFault extends Error {
  override readonly name = 'ClamdFault';
  readonly kind: ClamdFaultKind;

  constructor(kind: ClamdFaultKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** An answer is one line; clamd's longest are a few hundred bytes. */
const LONGEST_ANSWER = 4096;

export interface Reply {
  text: string;
  /** False if the answer came while there was more to send: it cannot be about the whole. */
  allSent: boolean;
}

/**
 * Opens a connection, sends the pieces with back pressure, and returns the answer up to its NUL
 * (clamd's `z` commands end so, which tells a whole answer from one that was cut). An answer that
 * comes early ends the sending.
 * @throws ClamdFault; what the pieces throw; what aborted the signal
 */
export async function askClamd(
  options: ClamdConnectionOptions,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<Reply> {
  signal?.throwIfAborted();
  const { address } = options;
  const socket = createConnection('socket' in address ? { path: address.socket } : { ...address, noDelay: true });
  const stop = (): void => {
    socket.destroy();
  };
  signal?.addEventListener('abort', stop, { once: true });
  const answer = readAnswer(socket, options);
  // Sending may fail first; the answer's failure is then not waited for.
  answer.catch(() => undefined);
  try {
    await connected(socket, answer);
    const allSent = await send(socket, pieces, answer);
    return { text: await answer, allSent };
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    socket.destroy();
  }
}

function readAnswer(socket: Socket, options: ClamdConnectionOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    let connectionStands = false;
    let answered = false;
    // Every connection ends with 'close': no error, which is dear, is made for those that were answered.
    const fail = (kind: ClamdFaultKind, message: string, cause?: unknown) => {
      if (!answered) reject(new ClamdFault(kind, message, cause));
    };

    socket.setTimeout(options.connectTimeout);
    socket.on('connect', () => {
      connectionStands = true;
      socket.setTimeout(options.responseTimeout);
    });
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf(0);
      if (end !== -1 && end === received.length - 1) {
        answered = true;
        resolve(received.toString('utf8', 0, end));
      } else if (end !== -1) fail('garbled', 'it says more than one answer');
      else if (received.length > LONGEST_ANSWER) fail('garbled', 'it answers without end');
    });
    socket.on('timeout', () => {
      fail(connectionStands ? 'timeout' : 'unreachable', 'it does not answer in time');
      socket.destroy();
    });
    socket.on('error', (error) => {
      const reason = 'code' in error ? String(error.code) : error.message;
      fail(
        connectionStands ? 'cut' : 'unreachable',
        connectionStands ? `it cut the connection (${reason})` : reason,
        error,
      );
    });
    socket.on('close', () => {
      if (received.length > 0) fail('garbled', 'its answer is cut off');
      else fail(connectionStands ? 'cut' : 'unreachable', 'it cut the connection');
    });
  });
}

async function connected(socket: Socket, answer: Promise<string>): Promise<void> {
  await Promise.race([new Promise<void>((resolve) => socket.once('connect', resolve)), answer]);
}

/** False if an answer came while there was more to send. */
async function send(
  socket: Socket,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  answer: Promise<string>,
): Promise<boolean> {
  let answered = false;
  const settled = answer.then(() => {
    answered = true;
  });
  settled.catch(() => undefined);
  for await (const piece of pieces) {
    if (answered) return false;
    if (socket.write(piece)) continue;
    // After an error there is no drain; the answer rejects then, and so does this.
    await Promise.race([new Promise<void>((resolve) => socket.once('drain', resolve)), settled]);
  }
  return true;
}
