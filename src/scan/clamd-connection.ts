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
const NOTHING = Buffer.alloc(0);

/** A question: in a list it is there at once. */
export type Pieces = readonly Uint8Array[] | AsyncIterable<Uint8Array>;

/** What clamd answers questions on. */
export interface ClamdConnection {
  /**
   * Sends the pieces with back pressure, and returns the answer up to its NUL (clamd's `z` commands end so, which tells
   * a whole answer from one that was cut). An answer that comes early ends the sending. One question at a time; after a
   * failure, or an answer that came early, there is no other.
   * @throws ClamdFault; what the pieces throw; what aborted the signal
   */
  ask(pieces: Pieces, signal?: AbortSignal): Promise<string>;
  /** False if the answer came while there was more to send: it cannot be about the whole. */
  wasAllSent(): boolean;
  /** Whether another question may be put. */
  isOpen(): boolean;
  /** Waits for another question; keeps no process alive meanwhile. */
  rest(): void;
  close(): void;
}

/** Puts one question on a connection of its own. */
export async function askClamd(options: ClamdConnectionOptions, pieces: Pieces, signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted();
  const connection = connectToClamd(options);
  try {
    return await connection.ask(pieces, signal);
  } finally {
    connection.close();
  }
}

interface Question {
  resolve(text: string): void;
  reject(reason: unknown): void;
  signal: AbortSignal | undefined;
}

export function connectToClamd({ address, connectTimeout, responseTimeout }: ClamdConnectionOptions): ClamdConnection {
  const incoming = Buffer.allocUnsafe(LONGEST_ANSWER);
  const socket = createConnection({
    ...('socket' in address ? { path: address.socket } : { ...address, noDelay: true }),
    // Else Node would take 64 KiB for each answer.
    onread: {
      buffer: incoming,
      callback(count) {
        take(incoming.subarray(0, count));
        return true;
      },
    },
  });
  let stands = false;
  let wasOffered = false;
  let received = NOTHING;
  let question: Question | undefined;
  let ended: ClamdFault | undefined;
  let stopping: AbortSignal | undefined;

  function fail(kind: ClamdFaultKind, message: string, cause?: unknown): void {
    if (ended !== undefined) return;
    ended = new ClamdFault(kind, message, cause);
    giveUp(ended);
  }

  function giveUp(reason: unknown): void {
    const asked = question;
    question = undefined;
    socket.destroy();
    asked?.reject(asked.signal?.aborted === true ? asked.signal.reason : reason);
  }

  socket.setTimeout(connectTimeout);
  socket.on('connect', () => {
    stands = true;
    socket.setTimeout(responseTimeout);
  });
  socket.on('timeout', () => fail(stands ? 'timeout' : 'unreachable', 'it does not answer in time'));
  socket.on('error', (error) => {
    const reason = 'code' in error ? String(error.code) : error.message;
    fail(stands ? 'cut' : 'unreachable', stands ? `it cut the connection (${reason})` : reason, error);
  });
  socket.on('close', () => {
    stopOn(undefined);
    if (received.length > 0) fail('garbled', 'its answer is cut off');
    else fail(stands ? 'cut' : 'unreachable', 'it cut the connection');
  });

  /** The next bytes come into the same memory. */
  function take(bytes: Buffer): void {
    const text = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    const end = text.indexOf(0);
    received = end === -1 ? Buffer.from(text) : NOTHING;
    if (question === undefined || (end !== -1 && end < text.length - 1)) {
      fail('garbled', 'it says more than one answer');
    } else if (end !== -1) {
      question.resolve(text.toString('utf8', 0, end));
      question = undefined;
    } else if (received.length > LONGEST_ANSWER) fail('garbled', 'it answers without end');
  }

  /** Questions that follow each other mostly have one signal: it is not listened to anew for each. */
  function stopOn(signal: AbortSignal | undefined): void {
    if (signal === stopping) return;
    stopping?.removeEventListener('abort', stop);
    signal?.addEventListener('abort', stop, { once: true });
    stopping = signal;
  }

  function stop(): void {
    if (question !== undefined) giveUp(question.signal?.reason);
  }

  function ask(pieces: Pieces, signal: AbortSignal | undefined): Promise<string> {
    const answer = new Promise<string>((resolve, reject) => {
      question = { resolve, reject, signal };
    });
    wasOffered = false;
    stopOn(signal);
    if (signal?.aborted === true || ended !== undefined) giveUp(ended);
    else {
      socket.ref();
      if (Symbol.asyncIterator in pieces) return sendSlowly(pieces, answer);
      sendTogether(socket, pieces);
      wasOffered = true;
    }
    return answer;
  }

  async function sendSlowly(pieces: AsyncIterable<Uint8Array>, answer: Promise<string>): Promise<string> {
    try {
      if (!stands) await Promise.race([new Promise<void>((resolve) => socket.once('connect', resolve)), answer]);
      wasOffered = await send(socket, pieces, answer);
      return await answer;
    } catch (error) {
      giveUp(error);
      await answer;
      throw error;
    }
  }

  return {
    ask,
    wasAllSent: () => wasOffered && socket.writableLength === 0,
    isOpen: () => ended === undefined && !socket.destroyed,
    rest: () => void socket.unref(),
    close: () => void socket.destroy(),
  };
}

/** False if an answer came before the last piece was written. */
async function send(socket: Socket, pieces: AsyncIterable<Uint8Array>, answer: Promise<string>): Promise<boolean> {
  let answered = false;
  const settled = answer.then(() => {
    answered = true;
  });
  // Sending may fail first; the answer's failure is then not waited for.
  settled.catch(() => undefined);
  for await (const piece of pieces) {
    if (answered) return false;
    if (socket.write(piece)) continue;
    // After an error there is no drain; the answer rejects then, and so does this.
    await Promise.race([new Promise<void>((resolve) => socket.once('drain', resolve)), settled]);
  }
  return true;
}

/** In one call of the system, which wakes clamd once. */
function sendTogether(socket: Socket, pieces: readonly Uint8Array[]): void {
  if (pieces.length > 1) socket.cork();
  for (const piece of pieces) socket.write(piece);
  if (pieces.length > 1) socket.uncork();
}
