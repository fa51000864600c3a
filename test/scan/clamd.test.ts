import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BodySource } from '../../src/core/body.ts';
import { AssetError } from '../../src/core/errors.ts';
import { createClamdScanner } from '../../src/scan/clamd.ts';
import { nestedZip } from '../../src/scan/nested-zip.ts';
import { makeZip } from '../support/make-zip.ts';
import { hashSignature, type OwnClamd, startOwnClamd } from '../support/own-clamd.ts';
import { EICAR } from '../support/services/clamd.ts';
import { describeWithService } from '../support/services/index.ts';

const MEBIBYTE = 1024 * 1024;
const TEST_FILES = '/usr/share/clamav-testfiles';

function memory(data: string | Uint8Array): BodySource {
  const bytes = Buffer.from(data);
  return { size: bytes.length, bytes, open: () => streamed(0).open() };
}

function streamed(size: number, fill = 'a', chunk = 300_000): BodySource {
  async function* open(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < size; at += chunk) yield Buffer.alloc(Math.min(chunk, size - at), fill);
  }
  return { size, open };
}

await describeWithService('clamd', 'clamd', () => {
  let clamd: OwnClamd;
  beforeAll(async () => {
    const sample = `${TEST_FILES}/clam.exe`;
    const hashes = existsSync(sample) ? [hashSignature('Clamav.Test.File', sample)] : [];
    const limits = { StreamMaxLength: '5M', MaxFileSize: '3M', MaxScanSize: '6M', MaxRecursion: 6, MaxFiles: 20 };
    clamd = await startOwnClamd({ ...limits, MaxThreads: 4 }, hashes);
  });
  afterAll(() => clamd.stop());

  const scanner = () => createClamdScanner({ address: { host: clamd.host, port: clamd.port }, retryDelay: 10 });

  describe('judges', () => {
    it('clean content, with the number of its signatures and the time', async () => {
      const before = Date.now();
      const verdict = await scanner().scan(memory('nothing bad'));
      expect(verdict).toMatchObject({ status: 'CLEAN', result: null, signatureVersion: '27001' });
      expect(verdict.scannedAt.getTime()).toBeGreaterThanOrEqual(before);
    });

    it('infected content, by its signature', async () => {
      const expected = { status: 'INFECTED', result: 'Eicar-Test-Signature.UNOFFICIAL' };
      expect(await scanner().scan(memory(EICAR))).toMatchObject(expected);
      expect(await scanner().scan(memory(makeZip([{ name: 'a', data: EICAR }])))).toMatchObject(expected);
    });

    it('over a Unix socket as over TCP', async () => {
      const local = createClamdScanner({ address: { socket: clamd.socket } });
      expect((await local.scan(memory(EICAR))).status).toBe('INFECTED');
      expect((await local.scan(streamed(2 * MEBIBYTE))).status).toBe('CLEAN');
    });

    it('many at once, each by itself', async () => {
      const many = createClamdScanner({ address: { host: clamd.host, port: clamd.port }, connections: 8 });
      const bodies = Array.from({ length: 60 }, (_, index) => memory(index % 3 === 0 ? EICAR : `text ${index}`));
      const verdicts = await Promise.all(bodies.map((body) => many.scan(body)));
      expect(verdicts.map(({ status }) => status)).toEqual(
        bodies.map((_, index) => (index % 3 === 0 ? 'INFECTED' : 'CLEAN')),
      );
    });

    it.skipIf(!existsSync(TEST_FILES)).each(['zip', '7z', 'cab', 'tar.gz', 'pdf', 'mail', 'exe.bz2', 'arj', 'ole.doc'])(
      'what hides in clam.%s',
      async (extension) => {
        const verdict = await scanner().scan(memory(readFileSync(`${TEST_FILES}/clam.${extension}`)));
        expect(verdict).toMatchObject({ status: 'INFECTED', result: 'Clamav.Test.File.UNOFFICIAL' });
      },
    );
  });

  describe('never calls clean what it did not fully examine', () => {
    const files = Array.from({ length: 40 }, (_, index) => ({ name: `${index}.txt`, data: `text ${index}` }));
    const large = [1, 2, 3].map((index) => ({ name: `${index}.txt`, data: Buffer.alloc(2.9 * MEBIBYTE, `${index}`) }));

    it.each<[string, () => BodySource, RegExp]>([
      ['larger than StreamMaxLength', () => streamed(5 * MEBIBYTE + 1), /StreamMaxLength/],
      ['far larger than StreamMaxLength', () => streamed(80 * MEBIBYTE), /StreamMaxLength/],
      ['larger than MaxFileSize', () => streamed(4 * MEBIBYTE), /MaxFileSize/],
      ['inflating to more than MaxScanSize', () => memory(makeZip(large)), /Max(?:Scan|File)Size/],
      ['nested deeper than MaxRecursion', () => memory(nestedZip(8)), /MaxRecursion/],
      ['of more files than MaxFiles', () => memory(makeZip(files)), /MaxFiles/],
    ])('%s', async (_what, body, reason) => {
      const verdict = await scanner().scan(body());
      expect(verdict).toMatchObject({ status: 'PENDING', result: expect.stringMatching(reason) });
    });

    it('larger than StreamMaxLength, over a Unix socket', async () => {
      const local = createClamdScanner({ address: { socket: clamd.socket } });
      expect(await local.scan(streamed(20 * MEBIBYTE))).toMatchObject({ status: 'PENDING' });
    });

    it('but takes content of just that size', async () => {
      expect((await scanner().scan(streamed(3 * MEBIBYTE))).status).toBe('CLEAN');
    });
  });

  it('passes on what is wrong with the body, and has no verdict then', async () => {
    async function* open(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(MEBIBYTE);
      throw new AssetError('FILE_CHANGED', 'it changed');
    }
    await expect(scanner().scan({ size: 2 * MEBIBYTE, open })).rejects.toMatchObject({ code: 'FILE_CHANGED' });
  });

  it('finds out what clamd is and takes', async () => {
    expect(await scanner().inspect(50 * MEBIBYTE)).toEqual({
      engine: expect.stringMatching(/^ClamAV \d/),
      signatureVersion: '27001',
      signatureDate: expect.stringMatching(/\d{4}$/),
      sizeLimit: 3 * MEBIBYTE,
      reportsExceededLimits: true,
    });
    expect((await scanner().inspect(3 * MEBIBYTE)).sizeLimit).toBeNull();
  });

  it('names the new signatures when clamd loaded them', async () => {
    await clamd.renumber(27_002);
    expect((await scanner().scan(memory('text'))).signatureVersion).toBe('27002');
  });
});

await describeWithService('clamd', 'a clamd that does not tell of exceeded limits', () => {
  let clamd: OwnClamd;
  beforeAll(async () => {
    clamd = await startOwnClamd({ AlertExceedsMax: 'no' });
  });
  afterAll(() => clamd.stop());

  const scan = (data: string | Uint8Array) =>
    createClamdScanner({ address: { host: clamd.host, port: clamd.port } }).scan(memory(data));

  it('is never believed when it finds nothing', async () => {
    const doubt = { status: 'PENDING', result: expect.stringContaining('AlertExceedsMax') };
    expect(await scan(nestedZip(30))).toMatchObject(doubt);
    expect(await scan('%PDF-1.4')).toMatchObject(doubt);
    expect(await scan('just text')).toMatchObject(doubt);
  });

  it('is believed when it finds something', async () => {
    expect((await scan(makeZip([{ name: 'a', data: EICAR }]))).status).toBe('INFECTED');
  });

  it('is told by doctor', async () => {
    const scanner = createClamdScanner({ address: { host: clamd.host, port: clamd.port } });
    expect(await scanner.inspect(MEBIBYTE)).toMatchObject({ reportsExceededLimits: false, sizeLimit: null });
  });
});

await describeWithService('clamd', 'a clamd that takes more than it looks at', () => {
  let clamd: OwnClamd;
  beforeAll(async () => {
    clamd = await startOwnClamd({ MaxFileSize: '2M' });
  });
  afterAll(() => clamd.stop());

  it('has no verdict on what is larger, and says where the limit is', async () => {
    const scanner = createClamdScanner({ address: { host: clamd.host, port: clamd.port } });
    expect(await scanner.scan(memory(Buffer.alloc(3 * MEBIBYTE, 'plain text\n')))).toMatchObject({
      status: 'PENDING',
      result: expect.stringContaining('MaxFileSize'),
    });
    expect(await scanner.inspect(50 * MEBIBYTE)).toMatchObject({ sizeLimit: 2 * MEBIBYTE });
  });
});
