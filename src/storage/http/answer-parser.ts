import { transportFailure } from './transport-failure.ts';

export interface AnswerReader {
  /** @param length of the body in bytes; undefined where only its end will tell */
  onHead(status: number, headers: Record<string, string>, length: number | undefined): void;
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
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
/** RFC 9110, section 5.6.2: a field name is a token. */
const FIELD = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*(.*?)[ \t]*$/;
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
    const all = before === 0 ? bytes.subarray(at) : Buffer.concat([held, bytes.subarray(at)]);
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
    const [first = '', ...lines] = text.split('\r\n');
    const [, minor, code] = STATUS_LINE.exec(first) ?? [];
    if (code === undefined) throw first.startsWith(PROTOCOL) ? notHttp('its first line is no status') : notSpoken();
    const status = Number(code);
    const headers = readFields(lines);
    if (status === 101) throw notHttp('it changes to a protocol that nobody asked for');
    // An interim answer: the real one follows.
    if (status < 200) return;
    const connection = headers['connection']?.toLowerCase() ?? '';
    staysOpen = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive');
    const length = bodyLength(status, headers);
    if (length !== undefined) left = length;
    reader.onHead(status, headers, length);
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

function readFields(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) throw notHttp('a line of its head is no field');
    const key = name.toLowerCase();
    const other = headers[key];
    headers[key] = other === undefined ? value : `${other}, ${value}`;
  }
  return headers;
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
