import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BodySource } from '../../src/core/body.ts';
import { AssetError } from '../../src/core/errors.ts';
import { createClamdScanner } from '../../src/scan/clamd.ts';
import { SCAN_MARGIN } from '../../src/scan/scanner.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../support/clamd-proxy.ts';
import { type OwnClamd, startOwnClamd } from '../support/own-clamd.ts';
import { EICAR } from '../support/services/clamd.ts';
import { describeWithService } from '../support/services/index.ts';
import { freePort } from '../support/services/server.ts';

const HOUR = 3_600_000;
const large = 3 * 1024 * 1024;
const text = 'just text';

function body(size: number): BodySource {
  async function* open(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < size; at += 65_536) yield Buffer.alloc(Math.min(65_536, size - at), 'a');
  }
  return { size, open };
}
const small: BodySource = { size: text.length, bytes: Buffer.from(text), open: () => body(0).open() };

await describeWithService('clamd', 'between us and clamd', () => {
  let clamd: OwnClamd;
  let proxy: FaultProxy | undefined;
  beforeAll(async () => {
    clamd = await startOwnClamd();
  });
  afterAll(() => clamd.stop());
  afterEach(async () => {
    await proxy?.close();
    proxy = undefined;
  });

  /** The first connection asks for the version; it works. */
  async function scannerWith(fault: (nth: number) => Fault | undefined, responseTimeout = 5000) {
    proxy = await startFaultProxy(clamd.port, (nth) => (nth === 0 ? undefined : fault(nth)));
    const address = { host: proxy.host, port: proxy.port };
    return createClamdScanner({ address, retryDelay: 5, attempts: 4, responseTimeout });
  }

  describe('a fault that passes', () => {
    const once = (fault: Fault) => (nth: number) => (nth === 1 ? fault : undefined);

    it.each<[string, Fault]>([
      ['a connection cut at once', { cutAfter: 0 }],
      ['a connection cut in the middle', { cutAfter: 1_500_000 }],
      ['a connection cut before the answer', { cutAfter: large }],
      ['a garbled answer', { answer: '1: stream: O\0' }],
      ['an answer cut off', { answer: '1: stream: OK' }],
      ['an answer to another content', { answer: '2: stream: OK\0' }],
      ['an answer to none', { answer: 'stream: OK\0' }],
      ['an error of clamd', { answer: 'COMMAND READ TIMED OUT ERROR\0' }],
    ])('%s is made up for', async (_what, fault) => {
      const scanner = await scannerWith(once(fault));
      expect((await scanner.scan(body(large))).status).toBe('CLEAN');
    });

    it('silence is made up for', async () => {
      const scanner = await scannerWith(once({ silent: true }), 1000);
      expect((await scanner.scan(small)).status).toBe('CLEAN');
    });
  });

  describe('a fault that stays is no verdict:', () => {
    it.each<[string, Fault]>([
      ['cut at once', { cutAfter: 0 }],
      ['cut in the middle', { cutAfter: 1_500_000 }],
      ['an answer without its end', { answer: '1: stream: OK' }],
      ['the answer to another content', { answer: '2: stream: OK\0' }],
      ['an answer to none', { answer: 'stream: OK\0' }],
      ['nothing but an end', { answer: '\0' }],
      ['two answers', { answer: '1: stream: OK\x002: stream: OK\0' }],
      ['an answer and more', { answer: '1: stream: OK\0x' }],
      ['nearly the right words', { answer: '1: stream: OKAY\0' }],
      ['noise', { answer: Buffer.from([0xff, 0x00, 0x13, 0xfe, 0x00]) }],
      ['an answer without end', { answer: '1: stream: O'.repeat(2000) }],
    ])('%s', async (_what, fault) => {
      const scanner = await scannerWith(() => fault);
      await expect(scanner.scan(body(large))).rejects.toMatchObject({
        code: 'SCANNER_UNAVAILABLE',
      });
      expect(proxy?.connections).toBeGreaterThan(4);
    });

    // More than the system's buffers hold, so that the answer is seen in the middle.
    it.each(['1: stream: OK\0', '1: stream: Eicar FOUND\0'])('%j before the content was sent', async (answer) => {
      const scanner = await scannerWith(() => ({ answer, early: true }));
      const verdict = scanner.scan(body(60_000_000));
      await expect(verdict).rejects.toMatchObject({ code: 'SCANNER_UNAVAILABLE' });
    });

    it('silence', async () => {
      const scanner = await scannerWith(() => ({ silent: true }), 100);
      await expect(scanner.scan(small)).rejects.toMatchObject({
        code: 'SCANNER_UNAVAILABLE',
        message: expect.stringContaining('does not answer in time'),
      });
    });
  });

  it('contents follow each other on a connection, and another takes the place of one that is gone', async () => {
    const scanner = await scannerWith((nth) => (nth === 1 ? { cutAfter: 1_000_000 } : undefined));
    // The version; all contents; what tells whether limits are reported.
    for (let count = 1; count <= 4; count += 1) expect((await scanner.scan(small)).status).toBe('CLEAN');
    expect(proxy?.connections).toBe(3);
    expect((await scanner.scan(body(large))).status).toBe('CLEAN');
    expect(proxy?.connections).toBe(4);
    const together = await Promise.all([1, 2, 3].map(() => scanner.scan(body(large))));
    expect(together.map(({ status }) => status)).toEqual(['CLEAN', 'CLEAN', 'CLEAN']);
    expect(proxy?.connections).toBe(6);
  });

  it('what contents that come at once have to know of clamd is asked once', async () => {
    const scanner = await scannerWith(() => undefined);
    const together = await Promise.all([1, 2, 3, 4].map(() => scanner.scan(small)));
    expect(together.map(({ status }) => status)).toEqual(['CLEAN', 'CLEAN', 'CLEAN', 'CLEAN']);
    expect(proxy?.connections).toBe(6);
  });

  it('a content that is given up takes along no other that waits for the same answer', async () => {
    proxy = await startFaultProxy(clamd.port, (nth) => (nth === 0 ? { silent: true } : undefined));
    const scanner = createClamdScanner({ address: { host: proxy.host, port: proxy.port } });
    const stop = new AbortController();
    const givenUp = scanner.scan(small, { signal: stop.signal });
    const other = scanner.scan(small);
    await vi.waitUntil(() => proxy?.connections === 1);
    stop.abort();
    await expect(givenUp).rejects.toThrow(stop.signal.reason);
    expect((await other).status).toBe('CLEAN');
  });

  it('connections that wait for another content end soon', async () => {
    const scanner = await scannerWith(() => undefined);
    await Promise.all([1, 2, 3].map(() => scanner.scan(small)));
    await scanner.scan(small);
    const { ended } = proxy ?? {};
    expect(ended).toBeLessThan(proxy?.connections ?? 0);
    await vi.waitUntil(() => proxy?.ended === proxy?.connections, 3000);
  });

  it('a connection does not end by the signal of a content before', async () => {
    const scanner = await scannerWith(() => undefined);
    const earlier = new AbortController();
    for (let count = 1; count <= 2; count += 1) await scanner.scan(small, { signal: earlier.signal });
    const { connections } = proxy ?? {};
    async function* open(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(large / 2);
      earlier.abort();
      yield Buffer.alloc(large / 2);
    }
    const { signal } = new AbortController();
    expect((await scanner.scan({ size: large, open }, { signal })).status).toBe('CLEAN');
    expect(proxy?.connections).toBe(connections);
  });

  it('a connection cut because the content is too large is told from others', async () => {
    const strict = await startOwnClamd({ StreamMaxLength: '1M' });
    proxy = await startFaultProxy(strict.port, (nth) => (nth === 1 ? { cutAfter: 200_000, silent: true } : undefined));
    const scanner = createClamdScanner({ address: { host: proxy.host, port: proxy.port }, retryDelay: 60_000 });
    expect(await scanner.scan(body(large))).toMatchObject({
      status: 'PENDING',
      result: expect.stringContaining('StreamMaxLength'),
    });
    await strict.stop();
  });

  it('what is wrong with the body counts more than an answer that came before its end', async () => {
    const answer = 'INSTREAM size limit exceeded. ERROR\0';
    const scanner = await scannerWith(() => ({ answer, early: true }));
    async function* open(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(1000);
      await sleep(100);
      throw new AssetError('FILE_CHANGED', 'it changed');
    }
    await expect(scanner.scan({ size: large, open })).rejects.toMatchObject({ code: 'FILE_CHANGED' });
  });

  it('whoever asked for the version has it asked for no content', async () => {
    const scanner = await scannerWith(() => undefined);
    await scanner.version();
    expect((await scanner.scan(small)).status).toBe('CLEAN');
    expect(proxy?.connections).toBe(3);
  });

  it('an OK is none where nobody knows whether limits are reported, but a virus is one', async () => {
    const answering = (answer: string) => scannerWith((nth) => (nth === 1 ? { answer } : { cutAfter: 0 }));
    expect((await (await answering('1: stream: Eicar FOUND\0')).scan(small)).status).toBe('INFECTED');
    await proxy?.close();
    const scanning = (await answering('1: stream: OK\0')).scan(small);
    await expect(scanning).rejects.toMatchObject({ code: 'SCANNER_UNAVAILABLE' });
  });

  it('no question goes on that no verdict needs, and keeps the program from its end', async () => {
    const scanner = await scannerWith((nth) => (nth === 2 ? { silent: true } : undefined), HOUR);
    const virus = { size: EICAR.length, bytes: Buffer.from(EICAR), open: small.open };
    expect((await scanner.scan(virus)).status).toBe('INFECTED');
    await expect.poll(() => proxy?.ended, { timeout: 60_000 }).toBe(3);
    // The limits are asked for again.
    expect((await scanner.scan(small)).status).toBe('CLEAN');
  });

  it('content that has a margin is sent again as it is', async () => {
    const scanner = await scannerWith((nth) => (nth === 1 ? { cutAfter: 0 } : undefined));
    for (const [content, status] of [
      [EICAR, 'INFECTED'],
      [text, 'CLEAN'],
    ] as const) {
      const bytes = Buffer.alloc(content.length + 2 * SCAN_MARGIN, 'a').subarray(SCAN_MARGIN, -SCAN_MARGIN);
      bytes.write(content);
      const verdict = scanner.scan({ size: bytes.length, bytes, open: small.open }, { hasMargin: true });
      expect(await verdict).toMatchObject({ status });
      expect(bytes.toString()).toBe(content);
    }
  });

  it('one that hangs is not asked for ever', async () => {
    proxy = await startFaultProxy(clamd.port, () => ({ silent: true }));
    const address = { host: proxy.host, port: proxy.port };
    const scanner = createClamdScanner({
      ...{ address, retryDelay: 5, attempts: 1_000_000 },
      ...{ connectTimeout: 100, deadline: 400 },
    });
    await expect(scanner.scan(small)).rejects.toMatchObject({
      code: 'SCANNER_UNAVAILABLE',
      message: expect.stringContaining('does not answer in time'),
    });
  });

  it('a scan that was given up before is not begun', async () => {
    const scanner = await scannerWith(() => undefined);
    await scanner.scan(small);
    const given = new Error('enough');
    await expect(scanner.scan(small, { signal: AbortSignal.abort(given) })).rejects.toBe(given);
    expect((await scanner.scan(small)).status).toBe('CLEAN');
  });

  it('an unanswered scan can be given up', async () => {
    const scanner = await scannerWith(() => ({ silent: true }));
    const controller = new AbortController();
    const scanning = scanner.scan(small, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(scanning).rejects.toThrow('enough');
  });
});

await describeWithService('clamd', 'clamd itself', () => {
  it('may restart meanwhile', async () => {
    const clamd = await startOwnClamd();
    const address = { host: clamd.host, port: clamd.port };
    const scanner = createClamdScanner({ address, retryDelay: 400, attempts: 7 });
    expect((await scanner.scan(small)).status).toBe('CLEAN');
    await clamd.stop();
    const scanning = scanner.scan(small);
    await clamd.start();
    expect((await scanning).status).toBe('CLEAN');
    await clamd.stop();
  });

  it('is not waited for where it never was', async () => {
    const port = await freePort();
    const scanner = createClamdScanner({ address: { host: '127.0.0.1', port }, retryDelay: 60_000 });
    await expect(scanner.scan(small)).rejects.toMatchObject({
      code: 'SCANNER_UNAVAILABLE',
      message: `ClamAV at 127.0.0.1:${port} gave no usable answer: ECONNREFUSED`,
    });
    const local = createClamdScanner({ address: { socket: '/nowhere/clamd.sock' }, retryDelay: 60_000 });
    await expect(local.version()).rejects.toMatchObject({ code: 'SCANNER_UNAVAILABLE' });
  });

  it('is not what listens there', async () => {
    const proxy = await startFaultProxy(await freePort(), () => ({
      answer: 'HTTP/1.1 400 Bad Request\0',
      early: true,
    }));
    const scanner = createClamdScanner({ address: { host: proxy.host, port: proxy.port }, retryDelay: 1, attempts: 2 });
    await expect(scanner.inspect(1)).rejects.toMatchObject({ code: 'SCANNER_UNAVAILABLE' });
    await proxy.close();
  });
});
