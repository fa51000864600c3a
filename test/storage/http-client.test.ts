import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { getEventListeners, once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHttpClient, type HttpClient, type HttpRequest } from '../../src/storage/http/http-client.ts';
import { temporaryFolder } from '../support/services/server.ts';
import { requireTool } from '../support/tools.ts';

const openssl = requireTool('openssl', ['version'], 'apt-get install openssl');

const HOUR = 3_600_000;
const MIB = 2 ** 20;
const answer = (body: string, more = '') => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`;

interface Served {
  origin: string;
  sockets: Socket[];
  client: HttpClient;
}

const running: { server: Server; served: Served }[] = [];

/** A server of bare sockets, so that it can do what no HTTP server would. */
async function serve(
  onRequest: (socket: Socket, head: string, connection: number) => void,
  timeouts = { connect: HOUR, deadline: HOUR },
  certificate?: { key: Buffer; cert: Buffer },
): Promise<Served> {
  const sockets: Socket[] = [];
  const onConnection = (socket: Socket): void => {
    const connection = sockets.push(socket);
    socket.on('error', () => undefined);
    let head = '';
    socket.on('data', (bytes) => {
      head += bytes.toString('latin1');
      for (let end = head.indexOf('\r\n\r\n'); end !== -1; end = head.indexOf('\r\n\r\n')) {
        const request = head.slice(0, end);
        head = head.slice(end + 4);
        onRequest(socket, request, connection);
      }
    });
  };
  const server = certificate === undefined ? createServer(onConnection) : createTlsServer(certificate, onConnection);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const scheme = certificate === undefined ? 'http' : 'https';
  const served = { origin: `${scheme}://127.0.0.1:${address.port}`, sockets, client: createHttpClient(timeouts) };
  running.push({ server, served });
  return served;
}

async function makeCertificate(): Promise<{ key: Buffer; cert: Buffer }> {
  const folder = await temporaryFolder('http-client');
  const files = ['-keyout', 'key.pem', '-out', 'cert.pem'];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', ...files];
  execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const [key, cert] = await Promise.all([readFile(join(folder, 'key.pem')), readFile(join(folder, 'cert.pem'))]);
  await rm(folder, { recursive: true });
  return { key, cert };
}

afterEach(() => {
  for (const { server, served } of running.splice(0)) {
    served.client.close();
    for (const socket of served.sockets) socket.destroy();
    server.close();
  }
});

const get = ({ client, origin }: Served, more: Partial<HttpRequest> = {}) =>
  client.send({ method: 'GET', origin, path: '/x', headers: {}, ...more });

describe('a client of a store', () => {
  it('sends the next request on the same connection, and many at once on several', async () => {
    const served = await serve((socket, head) => socket.write(answer(head)));
    for (let count = 0; count < 5; count += 1) {
      const { body } = await get(served, { headers: { 'x-count': String(count) } });
      expect(await body.text()).toContain(`GET /x HTTP/1.1\r\nhost: ${served.origin.slice(7)}\r\nx-count: ${count}`);
    }
    expect(served.sockets).toHaveLength(1);
    await Promise.all(Array.from({ length: 300 }, () => get(served)));
    expect(served.sockets.length).toBeGreaterThan(50);
    expect(served.sockets.length).toBeLessThanOrEqual(128);
  });

  it('goes on by another connection where the server ended one, before or after its answer', async () => {
    const served = await serve((socket, _, connection) => {
      if (connection === 1) socket.end(answer('a'));
      else if (connection === 2) socket.write(answer('b', 'connection: close\r\n'));
      else socket.write(answer('c'));
    });
    for (const expected of ['a', 'b', 'c', 'c']) {
      expect(await (await get(served)).body.text()).toBe(expected);
      await sleep(20);
    }
    expect(served.sockets).toHaveLength(3);
  });

  it('never takes what nobody asked for as the next answer', async () => {
    const served = await serve((socket, _, connection) => {
      socket.write(answer('mine') + (connection === 1 ? answer('stray') : ''));
    });
    expect(await (await get(served)).body.text()).toBe('mine');
    expect(await (await get(served)).body.text()).toBe('mine');
    expect(served.sockets).toHaveLength(2);
  });

  it('never takes it for that either behind a body that was read to where it belongs', async () => {
    const served = await serve((socket, head) => {
      const isSecond = head.startsWith('GET /second');
      socket.write(isSecond ? answer('real') : answer('a'.repeat(600_000)) + answer('injected'));
    });
    for (const more of [{}, { into: Buffer.alloc(MIB) }]) {
      expect((await (await get(served, { path: '/first', ...more })).body.text()).length).toBe(600_000);
      expect(await (await get(served, { path: '/second' })).body.text()).toBe('real');
    }
  });

  it.each<[string, Partial<HttpRequest>]>([
    ['', {}],
    [', though it has a body', { method: 'PUT', body: Buffer.from('bytes') }],
  ])('never takes for its answer what came before its request went out%s', async (_, request) => {
    const served = await serve((socket) => socket.write(answer('mine')));
    await get(served);
    // A turn that begins with a timer looks for bytes before its end, at which requests go out.
    await sleep(5);
    served.sockets[0]?.write(answer('stray'));
    await expect(get(served, request)).rejects.toMatchObject({ code: 'EBADMSG' });
    expect(await (await get(served)).body.text()).toBe('mine');
  });

  it('sends nothing of a request that is stopped in the turn in which it was begun', async () => {
    const seen: string[] = [];
    const served = await serve((socket, head) => {
      seen.push(head.split(' ')[1] ?? '');
      socket.write(answer(''));
    });
    await get(served);
    await setImmediate();
    const stop = new AbortController();
    const stopped = get(served, { path: '/stopped', signal: stop.signal });
    stop.abort(new Error('stopped'));
    await expect(stopped).rejects.toThrow('stopped');
    await get(served, { path: '/next' });
    expect(seen).toEqual(['/x', '/next']);
  });

  it('does not follow an answer to half a request with another request', async () => {
    const served = await serve((socket, head) => socket.write(answer(head.slice(0, 3))));
    const put = await get(served, { method: 'PUT', body: Buffer.alloc(64 * MIB) });
    expect(put.status).toBe(200);
    await expect(get(served).then(({ body }) => body.text())).resolves.toBe('GET');
    expect(served.sockets).toHaveLength(2);
  });

  it('holds a server back whose answer is read slowly, and hands on every byte in order', async () => {
    const bytes = randomBytes(48 * MIB);
    let taken = 0;
    const served = await serve((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`);
      let at = 0;
      const send = (): void => {
        while (at < bytes.length) {
          const flows = socket.write(bytes.subarray(at, at + MIB));
          at += MIB;
          taken = at;
          if (!flows) return void socket.once('drain', send);
        }
      };
      send();
    });
    const { body } = await get(served);
    const stream = body.stream();
    await sleep(300);
    expect(taken).toBeLessThan(24 * MIB);
    const hash = createHash('sha256');
    for await (const chunk of stream) hash.update(chunk);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
    const held = (await get(served, { inMemory: true })).body.held ?? [];
    expect(Buffer.concat(held).equals(bytes)).toBe(true);
    expect(served.sockets).toHaveLength(1);
  });

  it('reads a body that fits to where it belongs, and the next answer elsewhere', async () => {
    const bytes = randomBytes(5 * MIB);
    const head = (size: number) => `HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`;
    const served = await serve((socket, text) => {
      if (text.startsWith('GET /short')) socket.write(answer('short'));
      else socket.write(Buffer.concat([Buffer.from(head(bytes.length)), bytes]));
    });
    const into = Buffer.from(new SharedArrayBuffer(bytes.length + 1)).fill('x');
    const [held] = (await get(served, { into })).body.held ?? [];
    expect(held?.buffer).toBe(into.buffer);
    expect(held?.length).toBe(bytes.length);
    expect(into.subarray(0, -1).equals(bytes)).toBe(true);
    expect(await (await get(served, { path: '/short' })).body.text()).toBe('short');
    const tooShort = Buffer.alloc(bytes.length - 1);
    expect(Buffer.concat(await (await get(served, { into: tooShort })).body.stream().toArray()).equals(bytes)).toBe(
      true,
    );
    expect(tooShort.every((byte) => byte === 0)).toBe(true);
    expect(into.at(-1)).toBe('x'.charCodeAt(0));
    expect(served.sockets).toHaveLength(1);
  });

  describe('a long body in pieces of memory', () => {
    const bytes = randomBytes(6 * MIB + 5);
    const served = () =>
      serve((socket, head) => {
        if (head.startsWith('GET /short')) socket.write(answer('short'));
        else
          socket.write(
            Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`), bytes]),
          );
      });

    it('fills them in turn, the last as far as it goes, and puts nothing else there', async () => {
      const pieces = Array.from({ length: 5 }, () => Buffer.from(new SharedArrayBuffer(2 * MIB)).fill('x'));
      const left = [...pieces];
      const server = await served();
      const chunks = await (await get(server, { pieces: () => left.shift() })).body.stream().toArray();
      expect(chunks.map(({ length }) => length)).toEqual([2 * MIB, 2 * MIB, 2 * MIB, 5]);
      expect(chunks.map(({ buffer }) => buffer)).toEqual(pieces.slice(0, 4).map(({ buffer }) => buffer));
      expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
      expect(await (await get(server, { path: '/short' })).body.text()).toBe('short');
      expect(pieces[3]?.subarray(5).every((byte) => byte === 'x'.charCodeAt(0))).toBe(true);
      expect(left).toHaveLength(1);
      expect(server.sockets).toHaveLength(1);
    });

    it('is not read beyond its end: what nobody asked for ends the connection', async () => {
      const head = `HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`;
      const server = await serve((socket, text) => {
        if (text.startsWith('GET /second')) socket.write(answer('real'));
        else socket.write(Buffer.concat([Buffer.from(head), bytes, Buffer.from(answer('injected'))]));
      });
      const piece = Buffer.alloc(8 * MIB, 'x');
      const chunks = await (await get(server, { pieces: () => piece })).body.stream().toArray();
      expect(chunks.map((chunk) => bytes.equals(chunk))).toEqual([true]);
      expect(await (await get(server, { path: '/second' })).body.text()).toBe('real');
      expect(piece.subarray(bytes.length).every((byte) => byte === 'x'.charCodeAt(0))).toBe(true);
      expect(server.sockets).toHaveLength(2);
    });

    it('comes in memory of its own where there is no piece for it', async () => {
      const left = [Buffer.alloc(2 * MIB), undefined, undefined, Buffer.alloc(MIB)];
      const [first, last] = [left[0], left[3]];
      const { body } = await get(await served(), { pieces: () => left.shift() });
      const chunks = await body.stream().toArray();
      expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
      expect(chunks[0].buffer).toBe(first?.buffer);
      expect(chunks.filter(({ buffer }) => buffer === last?.buffer)).toHaveLength(1);
    });

    it('takes no more of them than its reader takes', async () => {
      let count = 0;
      const pieces = () => {
        count += 1;
        return Buffer.alloc(MIB);
      };
      const { body } = await get(await served(), { pieces });
      const stream = body.stream();
      await sleep(200);
      expect(count).toBeLessThan(4);
      expect(Buffer.concat(await stream.toArray()).equals(bytes)).toBe(true);
      expect(count).toBe(7);
    });
  });

  it('drops what is not wanted with its connection', async () => {
    const served = await serve((socket, _, connection) => {
      socket.write(connection === 1 ? `HTTP/1.1 200 OK\r\ncontent-length: ${HOUR}\r\n\r\nab` : answer('next'));
    });
    (await get(served)).body.drop();
    expect(await (await get(served)).body.text()).toBe('next');
    await expect.poll(() => served.sockets[0]?.destroyed).toBe(true);
  });

  it('fails a request whose answer breaks off, and a stream that does', async () => {
    const served = await serve((socket, _, connection) => {
      const length = connection === 1 ? 10 : 10 * MIB;
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\nab`);
    });
    await expect(get(served)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect((await get(served)).body.text()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('fails a request whose answer of untold length breaks off early, and hands on a long one as a stream', async () => {
    const chunk = (bytes: string) => `${bytes.length.toString(16)}\r\n${bytes}\r\n`;
    const long = chunk('a'.repeat(MIB)) + chunk('b'.repeat(MIB)) + chunk('c');
    const served = await serve((socket, _, connection) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      if (connection === 1) socket.end(chunk('begun'));
      else socket.write(`${long}0\r\n\r\n`);
    });
    await expect(get(served)).rejects.toMatchObject({ code: 'ECONNRESET' });
    for (let count = 0; count < 2; count += 1) {
      const { body } = await get(served);
      expect(body.held).toBeUndefined();
      expect(await body.text()).toBe(`${'a'.repeat(MIB)}${'b'.repeat(MIB)}c`);
    }
    expect(served.sockets).toHaveLength(2);
  });

  it('keeps the failure of a stream for whoever reads it later', async () => {
    const served = await serve((socket) => socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${10 * MIB}\r\n\r\nab`));
    const { body } = await get(served);
    await expect.poll(() => body.stream().destroyed).toBe(true);
    await expect(body.text()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it.skipIf(openssl.missing)('goes on after a slowly read answer over TLS, wherever its records end', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const answering = (socket: Socket, head: string): void => {
      const [, length = ''] = /x-length: (\d+)/.exec(head) ?? [];
      const size = Number(length).toString(16);
      socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${size}\r\n`);
      socket.write(Buffer.alloc(Number(length)));
      socket.write('\r\n0\r\n\r\n');
    };
    const served = await serve(answering, { connect: HOUR, deadline: HOUR }, await makeCertificate());
    // A little more than is held: the pause comes within the last of what is decrypted together.
    for (let length = MIB; length < MIB + 64 * 1024; length += 1500) {
      const { body } = await get(served, { headers: { 'x-length': String(length) } });
      await sleep(20);
      expect(await body.text()).toHaveLength(length);
    }
    expect(served.sockets).toHaveLength(1);
  });

  it('ends the silence of a server, before its answer, within it, and while it should be reading', async () => {
    const timeouts = { connect: HOUR, deadline: 4000 };
    const mute = await serve(() => undefined, timeouts);
    await expect(get(mute)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    const halting = await serve((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab'), timeouts);
    await expect(get(halting)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    const deaf = await serve((socket) => socket.pause(), timeouts);
    const body = Buffer.alloc(64 * MIB);
    await expect(get(deaf, { method: 'PUT', body })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  it('waits for its own reader as long as that takes', async () => {
    const bytes = Buffer.alloc(8 * MIB);
    const served = await serve(
      (socket) => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`);
        socket.write(bytes);
      },
      { connect: HOUR, deadline: 4000 },
    );
    const stream = (await get(served)).body.stream();
    await sleep(1500);
    expect((await stream.toArray()).reduce((sum: number, chunk: Buffer) => sum + chunk.length, 0)).toBe(bytes.length);
  });

  it('stops at once when it is told to: under way, while it waits for its turn, and before', async () => {
    const served = await serve(() => undefined);
    const stop = new AbortController();
    const reason = new Error('stop');
    const requests = Array.from({ length: 200 }, () => get(served, { signal: stop.signal }));
    const settled = Promise.allSettled(requests);
    await sleep(100);
    stop.abort(reason);
    expect(await settled).toEqual(requests.map(() => ({ status: 'rejected', reason })));
    await expect(get(served, { signal: stop.signal })).rejects.toBe(reason);
    expect(served.sockets.length).toBeLessThanOrEqual(128);
    const soon = new AbortController();
    const request = get(served, { signal: soon.signal });
    soon.abort(reason);
    await expect(request).rejects.toBe(reason);
  });

  it('listens to a signal once for all requests, and no longer than they take', async () => {
    const served = await serve((socket) => socket.write(answer('')));
    const { signal } = new AbortController();
    const requests = Array.from({ length: 200 }, () => get(served, { signal }));
    await expect.poll(() => served.sockets.length).toBeGreaterThan(0);
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
    await Promise.all(requests);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('ends by its closing what is under way, what waits and what has just begun, and begins nothing after it', async () => {
    const served = await serve(() => undefined);
    const requests = Array.from({ length: 200 }, () => get(served));
    await expect.poll(() => served.sockets.length).toBe(128);
    const another = await serve(() => undefined);
    requests.push(get(another));
    served.client.close();
    another.client.close();
    const outcomes = await Promise.allSettled(requests);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(201);
    await expect(get(served)).rejects.toThrow('closed');
    expect(served.sockets).toHaveLength(128);
  });

  it('begins nothing after it was closed, also if nothing was asked of it before', async () => {
    const { origin, client, sockets } = await serve((socket) => socket.write(answer('too late')));
    client.close();
    await expect(client.send({ method: 'GET', origin, path: '/', headers: {} })).rejects.toThrow('was closed');
    expect(sockets).toEqual([]);
  });

  it('refuses what would end a header or the request, at the cost of no connection', async () => {
    const served = await serve((socket) => socket.write(answer('')));
    const headers = { 'x-b': 'fine', 'x-a': 'b\r\nx-c: d' };
    await expect(get(served, { headers })).rejects.toThrow(new TypeError('the value of x-a holds what no header can'));
    await expect(get(served, { path: '/a b' })).rejects.toThrow(TypeError);
    await expect(get(served, { path: '/a\r\nb' })).rejects.toThrow(TypeError);
    await get(served);
    expect(served.sockets).toHaveLength(1);
  });
});
