import { transportFailure } from './transport-failure.ts';

export interface AnswerReader {
  /**
   * @param fields reads all of them, which costs more than the few that tell where the answer ends
   * @param length of the body in bytes; undefined where only its end will tell
   */
  onHead(status: number, fields: () => Record<string, string>, length: number | undefined): void;
  /** Not kept: the memory is that of the next bytes too. */
  onData(bytes: Buffer): void;
  /** @param staysOpen the connection may carry another request */
  onEnd(staysOpen: boolean): void;
}

export interface AnswerParser {
  /**
   * Takes what arrived, however it was cut.
   * @returns how many of the bytes belong to the answer
   * @throws Error EBADMSG at what is not valid, EPROTONOSUPPORT at what is not HTTP/1.1 at all
   */
  read(bytes: Buffer): number;
  /** The connection has ended. @throws Error ECONNRESET if the answer has not */
  end(): void;
}

/** All of an answer's head, or a line of a coded body. */
const LONGEST_HEAD = 64 * 1024;
const PROTOCOL = 'HTTP/1.';
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\r\n]*)?(?=\r\n|$)/;
/** All that follow the first line; one pattern for each costs more. RFC 9110, section 5.6.2: a field name is a token. */
const FIELDS = /^(?:\r\n[!#$%&'*+\-.^_`|~\w]+:[^\r\n]*)*$/;
/** Of these, those that tell where an answer ends, and its connection. */
const FRAMING = /\r\n(?:connection|content-length|transfer-encoding):[^\r\n]*/gi;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const END_OF_LINE = Buffer.from('\r\n');
const NOTHING: Buffer = Buffer.alloc(0);

type State = 'head' | 'counted' | 'to the end' | 'chunk size' | 'chunk' | 'chunk end' | 'trailers' | 'over';

/** Reads one answer to a request (RFC 9112), and refuses what leaves open where its body ends. */
export function createAnswerParser(method: string, reader: AnswerReader): AnswerParser {
  let state: State = 'head';
  let held = NOTHING;
  /** Bytes that the body, or its chunk, still has to bring. */
  let left = 0;
  let staysOpen = true;

  function read(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && state !== 'over') at = readSome(bytes, at);
    return at;
  }

  function readSome(bytes: Buffer, at: number): number {
    switch (state) {
      case 'head':
        return readUpTo(END_OF_HEAD, bytes, at, readHead);
      case 'counted':
      case 'chunk':
        return readCounted(bytes, at);
      case 'chunk size':
        return readUpTo(END_OF_LINE, bytes, at, readChunkSize);
      case 'chunk end':
        return readUpTo(END_OF_LINE, bytes, at, readChunkEnd);
      case 'trailers':
        return readUpTo(END_OF_LINE, bytes, at, readTrailer);
      default:
        reader.onData(bytes.subarray(at));
        return bytes.length;
    }
  }

  /** Gathers what comes before a mark; it may have been cut anywhere, also within the mark. */
  function readUpTo(mark: Buffer, bytes: Buffer, at: number, use: (text: string) => void): number {
    const before = held.length;
    const come = at === 0 ? bytes : bytes.subarray(at);
    const all = before === 0 ? come : Buffer.concat([held, come]);
    const found = all.indexOf(mark);
    if (found === -1 || found > LONGEST_HEAD) {
      if (state === 'head' && !begins(all)) throw notSpoken();
      if (all.length > LONGEST_HEAD) throw notHttp('its head is longer than 64 KiB');
      held = Buffer.from(all);
      return bytes.length;
    }
    held = NOTHING;
    use(all.toString('latin1', 0, found));
    return at + found + mark.length - before;
  }

  function readHead(text: string): void {
    const line = STATUS_LINE.exec(text);
    if (line === null) throw text.startsWith(PROTOCOL) ? notHttp('its first line is no status') : notSpoken();
    const minor = line[1];
    const status = Number(line[2]);
    const fields = text.slice(line[0].length);
    if (!FIELDS.test(fields)) throw notHttp('a line of its head is no field');
    const headers = readFields((fields.match(FRAMING) ?? []).join(''));
    if (status === 101) throw notHttp('it changes to a protocol that nobody asked for');
    // An interim answer: the real one follows.
    if (status < 200) return;
    const connection = headers['connection']?.toLowerCase() ?? '';
    staysOpen = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive');
    const length = bodyLength(status, headers);
    if (length !== undefined) left = length;
    reader.onHead(status, () => readFields(fields), length);
    if (length === 0) finish();
    else if (length !== undefined) state = 'counted';
    else state = headers['transfer-encoding'] === undefined ? 'to the end' : 'chunk size';
    if (state === 'to the end') staysOpen = false;
  }

  /** RFC 9112, section 6.3. */
  function bodyLength(status: number, headers: Record<string, string>): number | undefined {
    if (method === 'HEAD' || status === 204 || status === 304) return 0;
    const { 'transfer-encoding': coding, 'content-length': length } = headers;
    if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked' || length !== undefined) throw notHttp('its length is told in two ways');
      return undefined;
    }
    if (length === undefined) return undefined;
    if (!/^\d{1,15}$/.test(length)) throw notHttp('its length is no number');
    return Number(length);
  }

  function readCounted(bytes: Buffer, at: number): number {
    const data = bytes.subarray(at, at + left);
    left -= data.length;
    reader.onData(data);
    if (left === 0) {
      if (state === 'chunk') state = 'chunk end';
      else finish();
    }
    return at + data.length;
  }

  function readChunkSize(text: string): void {
    const [, size] = /^([\da-f]{1,12})[ \t]*(?:;.*)?$/i.exec(text) ?? [];
    if (size === undefined) throw notHttp('the size of a chunk is no number');
    left = Number.parseInt(size, 16);
    state = left === 0 ? 'trailers' : 'chunk';
  }

  function readChunkEnd(text: string): void {
    if (text !== '') throw notHttp('a chunk is longer than its size');
    state = 'chunk size';
  }

  function readTrailer(text: string): void {
    if (text === '') finish();
  }

  function finish(): void {
    state = 'over';
    reader.onEnd(staysOpen);
  }

  function end(): void {
    if (state === 'to the end') finish();
    if (state !== 'over') throw transportFailure('ECONNRESET', 'the connection ended before the answer did');
  }

  return { read, end };
}

/** @param text each field behind the end of a line, as FIELDS has them */
function readFields(text: string): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (let at = 2; at < text.length; ) {
    const colon = text.indexOf(':', at);
    const end = text.indexOf('\r\n', colon);
    const next = end === -1 ? text.length : end;
    const key = text.slice(at, colon).toLowerCase();
    const value = withoutBlanks(text, colon + 1, next);
    const other = headers[key];
    headers[key] = other === undefined ? value : `${other}, ${value}`;
    at = next + 2;
  }
  return headers;
}

/** Around a value stand spaces and tabs; what else is blank belongs to it. */
function withoutBlanks(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (from < to && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Others wait for an answer to what they said first, so their line may never end as a head does. */
function begins(bytes: Buffer): boolean {
  const first = bytes.toString('latin1', 0, PROTOCOL.length);
  return first === PROTOCOL.slice(0, first.length);
}

function notSpoken(): Error {
  return transportFailure('EPROTONOSUPPORT', 'the answer is not HTTP');
}

function notHttp(why: string): Error {
  return transportFailure('EBADMSG', `the answer is not valid HTTP: ${why}`);
}
