import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { asError } from '../../core/errors.ts';
import { type AnswerParser, createAnswerParser } from './answer-parser.ts';
import type { HttpAnswer, HttpRequest } from './http-client.ts';
import { type AnswerReceiver, receiveAnswer } from './receive-answer.ts';
import { transportFailure } from './transport-failure.ts';
import { whenAborted } from './when-aborted.ts';

/** In milliseconds. */
export interface ConnectionTimeouts {
  connect: number;
  /** Without a byte in either direction while one is waited for. */
  silence: number;
}

export interface ConnectionEvents {
  /** Another request may be sent. */
  onIdle(): void;
  /** None may. */
  onClose(): void;
}

/** Carries one request at a time. */
export interface Connection {
  /** @param head as of requestHead */
  send(request: HttpRequest, head: string): Promise<HttpAnswer>;
  close(): void;
}

interface Exchange {
  parser: AnswerParser;
  receiver: AnswerReceiver;
  /** Something of the request was handed to the socket. */
  isBegun: boolean;
  /** All of the request was handed to the socket. */
  isWritten: boolean;
  stopWatching: () => void;
}

/** Memory of ours that a socket reads into: Node's own would be new for each 64 KiB, which costs more than all the rest. */
const READ_BYTES = 256 * 1024;
/** A body goes out in such pieces, so that a server that stops reading is told from a slow line. */
const SLICE = 512 * 1024;
const KEEP_ALIVE_MILLISECONDS = 60_000;

export function openConnection(origin: URL, timeouts: ConnectionTimeouts, events: ConnectionEvents): Connection {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  let current: Exchange | undefined;
  const socket = openSocket(origin, {
    buffer: () => current?.receiver.room() ?? buffer,
    callback: (count, bytes) => onBytes(bytes.subarray(0, count)),
  });
  let isPaused = false;
  let isShut = false;
  /** The last read went to where the body belongs. */
  let endedInPlace = false;

  const connecting = setTimeout(
    () => shut(transportFailure('ETIMEDOUT', `no connection within ${timeouts.connect / 1000} s`)),
    timeouts.connect,
  );
  socket.once(origin.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
    clearTimeout(connecting);
    socket.setTimeout(timeouts.silence);
  });
  socket.on('timeout', onSilence).on('end', onEnd).on('error', shut);
  socket.on('close', () => shut(transportFailure('ECONNRESET', 'the connection was closed')));

  function send(request: HttpRequest, head: string): Promise<HttpAnswer> {
    // Between its turn and this, a request may be stopped and its connection closed.
    if (isShut) return Promise.reject(closed());
    const receiver = receiveAnswer(request, {
      pause: () => (isPaused = true),
      resume: () => current === exchange && resume(),
      end: () => current === exchange && shut(new Error('the rest of the answer is not wanted')),
    });
    const { onHead, onData } = receiver;
    const parser = createAnswerParser(request.method, { onHead, onData, onEnd: onAnswered });
    const stopWatching = whenAborted(request.signal, shut);
    const exchange: Exchange = { parser, receiver, isBegun: false, isWritten: false, stopWatching };
    current = exchange;
    if (request.signal?.aborted === true) {
      shut(asError(request.signal.reason));
    } else {
      socket.ref();
      atEndOfTurn(() => {
        if (!isShut) write(exchange, head, request.body);
      });
    }
    return receiver.answer;
  }

  function write(exchange: Exchange, head: string, body: Uint8Array | undefined): void {
    exchange.isBegun = true;
    exchange.isWritten = body === undefined;
    if (body === undefined) return void socket.write(head, 'latin1');
    socket.cork();
    socket.write(head, 'latin1');
    writeFrom(exchange, body, 0);
    socket.uncork();
  }

  function writeFrom(exchange: Exchange, body: Uint8Array, start: number): void {
    const end = start + SLICE;
    if (end < body.byteLength) {
      socket.write(body.subarray(start, end), (error) => {
        if (!error && current === exchange) writeFrom(exchange, body, end);
      });
      return;
    }
    exchange.isWritten = true;
    if (body.byteLength > 0) socket.write(body.subarray(start));
  }

  function onBytes(bytes: Buffer): boolean {
    endedInPlace = bytes.buffer !== buffer.buffer;
    try {
      const taken = current?.isBegun === true ? current.parser.read(bytes) : 0;
      // Nobody asked for more: an answer after the answer, which must not be taken for the next one's.
      if (taken < bytes.length) shut(transportFailure('EBADMSG', 'the server sent what nobody asked for'));
      else if (current === undefined && !isShut && !endedInPlace) rest();
    } catch (error) {
      shut(asError(error));
    }
    return !isPaused && !isShut;
  }

  /** The parser has all of the answer. */
  function onAnswered(staysOpen: boolean): void {
    const exchange = current;
    if (exchange === undefined) return;
    current = undefined;
    // TLS hands on what it had decrypted also after a pause, and with it perhaps the rest of the answer.
    resume();
    exchange.stopWatching();
    // After an answer to half a request the other half would be read as the next one.
    if (!staysOpen || !exchange.isWritten) shut();
    if (endedInPlace) afterAnotherRead(() => handOn(exchange));
    else exchange.receiver.onEnd();
  }

  /** A read to where the body belongs ends with the body: what came behind it, unasked, is still to be seen. */
  function handOn({ receiver }: Exchange): void {
    receiver.onEnd();
    if (!isShut) rest();
  }

  function rest(): void {
    if (socket.writableLength === 0) becomeIdle();
    // What the kernel took may not have been told yet.
    else setImmediate(() => (socket.writableLength === 0 ? becomeIdle() : shut()));
  }

  function becomeIdle(): void {
    if (isShut) return;
    socket.unref();
    events.onIdle();
  }

  function onSilence(): void {
    if (current !== undefined && isPaused) return;
    shut(transportFailure('ETIMEDOUT', `the server was silent for ${timeouts.silence / 1000} s`));
  }

  function resume(): void {
    if (!isPaused) return;
    isPaused = false;
    // The silence was ours.
    socket.setTimeout(timeouts.silence).resume();
  }

  function onEnd(): void {
    try {
      current?.parser.end();
      shut();
    } catch (error) {
      shut(asError(error));
    }
  }

  function shut(reason: Error = closed()): void {
    if (isShut) return;
    isShut = true;
    clearTimeout(connecting);
    socket.destroy();
    events.onClose();
    const exchange = current;
    current = undefined;
    exchange?.stopWatching();
    exchange?.receiver.fail(reason);
  }

  return { send, close: () => shut() };
}

let due: (() => void)[] = [];

/**
 * When all that has arrived was worked on: requests go out together. A server on this machine begins with each at once, on
 * the processor that wrote it; and whoever serves many wakes once for several.
 */
function atEndOfTurn(work: () => void): void {
  if (due.push(work) === 1) setImmediate(workOff);
}

function workOff(): void {
  const now = due;
  due = [];
  for (const work of now) work();
}

/** Once the sockets that have bytes were read: between two turns of the event loop's last phase. */
function afterAnotherRead(work: () => void): void {
  setImmediate(() => setImmediate(work));
}

function closed(): Error {
  return new Error('the connection was closed');
}

interface OnRead {
  /** Where the next bytes go; asked for anew after each read. */
  buffer(): Buffer;
  /** @returns whether to read on */
  callback(count: number, bytes: Buffer): boolean;
}

/** Of each origin the last TLS session, which makes the next handshake shorter. */
const sessions = new Map<string, Buffer>();

function openSocket(origin: URL, onread: OnRead): Socket {
  const { protocol, host } = origin;
  const hostname = origin.hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'http:') return tuned(connectPlain({ host: hostname, port: Number(origin.port || 80), onread }));
  const session = sessions.get(host);
  const options = {
    host: hostname,
    port: Number(origin.port || 443),
    ALPNProtocols: ['http/1.1'],
    onread,
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
    ...(session === undefined ? {} : { session }),
  };
  const socket = connectTls(options);
  socket.on('session', (session) => sessions.set(host, session));
  return tuned(socket);
}

function tuned(socket: Socket): Socket {
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MILLISECONDS);
}
