import { describe, expect, it } from 'vitest';
import { createAnswerParser } from '../../src/storage/http/answer-parser.ts';
import fc from '../support/property.ts';

interface Read {
  status: number | undefined;
  headers: Record<string, string>;
  body: string;
  /** Whether the connection may be used again; undefined while the answer has not ended. */
  staysOpen: boolean | undefined;
  /** Bytes behind the answer. */
  left: number;
}

/** Reads an answer that comes in pieces of the given lengths, and then as it falls; `ends`: the connection too. */
function read(text: string, { method = 'GET', cuts = [] as number[], ends = false } = {}): Read {
  const bytes = Buffer.from(text, 'latin1');
  const seen: Read = { status: undefined, headers: {}, body: '', staysOpen: undefined, left: 0 };
  const parser = createAnswerParser(method, {
    onHead: (status, fields) => Object.assign(seen, { status, headers: { ...fields() } }),
    onData: (data) => (seen.body += data.toString('latin1')),
    onEnd: (staysOpen) => (seen.staysOpen = staysOpen),
  });
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    const piece = bytes.subarray(at, at + cut);
    seen.left += piece.length - parser.read(piece);
    at += piece.length;
  }
  if (ends) parser.end();
  return seen;
}

const counted = (body: string) =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nX-A: 1\r\nx-a: 2\r\n\r\n${body}`;

function chunked(pieces: readonly string[]): string {
  const chunks = pieces.map((piece) => `${piece.length.toString(16)};x=1\r\n${piece}\r\n`).join('');
  return `HTTP/1.1 206 Partial Content\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\nTrailer: t\r\n\r\n`;
}

const anyBytes = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const anyCuts = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 40 });

describe('an answer', () => {
  it('keeps what is blank around a value but no space and no tab: a name may end so', () => {
    const { headers } = read('HTTP/1.1 204 No Content\r\nX-A: \t\xc3\xa0 b\xa0\x0b \r\nX-B:\r\nX-C:\t \r\n\r\n');
    expect(headers).toEqual({ 'x-a': '\xc3\xa0 b\xa0\x0b', 'x-b': '', 'x-c': '' });
  });

  it('is the same however its bytes are cut: counted, in chunks, or until the connection ends', () => {
    fc.assert(
      fc.property(
        fc.array(
          anyBytes.filter((piece) => piece !== ''),
          { maxLength: 4 },
        ),
        anyCuts,
        (pieces, cuts) => {
          const body = pieces.join('');
          expect(read(counted(body), { cuts })).toEqual({
            status: 200,
            headers: { 'content-length': String(body.length), 'x-a': '1, 2' },
            body,
            staysOpen: true,
            left: 0,
          });
          expect(read(chunked(pieces), { cuts })).toMatchObject({ status: 206, body, staysOpen: true, left: 0 });
          const open = `HTTP/1.1 200 OK\r\n\r\n${body}`;
          expect(read(open, { cuts })).toMatchObject({ body, staysOpen: undefined });
          expect(read(open, { cuts, ends: true })).toMatchObject({ body, staysOpen: false });
        },
      ),
    );
  });

  it('never runs into what follows it', () => {
    fc.assert(
      fc.property(fc.array(anyBytes), anyBytes, anyCuts, (pieces, rest, cuts) => {
        const body = pieces.join('');
        for (const answer of [counted(body), chunked(pieces.filter((piece) => piece !== ''))]) {
          expect(read(answer + rest, { cuts })).toMatchObject({ body, left: rest.length });
        }
      }),
    );
  });

  it('has no body after HEAD, and with 204 and 304', () => {
    expect(read('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n', { method: 'HEAD' })).toMatchObject({ staysOpen: true });
    expect(read('HTTP/1.1 204 No Content\r\n\r\n')).toMatchObject({ status: 204, staysOpen: true });
    expect(read('HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n')).toMatchObject({ body: '', staysOpen: true });
  });

  it('follows its interim answers', () => {
    expect(read(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n${counted('a')}`)).toMatchObject({
      status: 200,
      body: 'a',
    });
  });

  it('tells whether its connection stays open', () => {
    const answer = (version: string, connection: string) =>
      `HTTP/1.${version} 200 OK\r\n${connection}content-length: 0\r\n\r\n`;
    expect(read(answer('1', ''))).toMatchObject({ staysOpen: true });
    expect(read(answer('1', 'Connection: Close\r\n'))).toMatchObject({ staysOpen: false });
    expect(read(answer('0', ''))).toMatchObject({ staysOpen: false });
    expect(read(answer('0', 'connection: keep-alive\r\n'))).toMatchObject({ staysOpen: true });
  });

  it.each([
    ['another protocol from here on', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n'],
    ['a status that is none', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a field without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
    ['a field that is continued', 'HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\ncontent-length : 5\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n'],
    ['two lengths, not side by side', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\na: b\r\nCONTENT-LENGTH:6\r\n\r\n'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['a coding that is not known', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n'],
    ['a chunk beyond its size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n'],
    ['a head without an end', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(20_000)}`],
  ])('is refused with %s', (_, answer) => {
    expect(() => read(answer)).toThrow(expect.objectContaining({ code: 'EBADMSG' }));
    expect(() => read(answer, { cuts: [7, 9] })).toThrow(expect.objectContaining({ code: 'EBADMSG' }));
  });

  it.each([
    ['a greeting that waits', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['an alert of TLS', '\x15\x03\x01\0\x02\x02\x16'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
  ])('is told from another protocol: %s', (_, answer) => {
    expect(() => read(answer)).toThrow(expect.objectContaining({ code: 'EPROTONOSUPPORT' }));
  });

  it('of any bytes is an answer or refused', () => {
    const pieces = fc.constantFrom(
      'HTTP/1.1 ',
      '200',
      ' ',
      '\r\n',
      ':',
      'content-length',
      'chunked',
      '5',
      'a',
      '\0',
      'é',
    );
    fc.assert(
      fc.property(fc.array(pieces), anyCuts, (parts, cuts) => {
        try {
          read(parts.join(''), { cuts, ends: true });
        } catch (error) {
          expect(['EBADMSG', 'EPROTONOSUPPORT', 'ECONNRESET']).toContain(
            error instanceof Error && 'code' in error && error.code,
          );
        }
      }),
    );
  });

  it('that breaks off is a failure', () => {
    for (const answer of ['', 'HTTP/1.1 200', counted('abc').slice(0, -1), chunked(['abc']).slice(0, -2)]) {
      expect(() => read(answer, { ends: true })).toThrow(expect.objectContaining({ code: 'ECONNRESET' }));
    }
  });
});
