import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLooseContent, readStreamContent } from '../../../src/content/read-content.ts';
import fc from '../../support/property.ts';
import { allowing, defaultRules } from '../rules.ts';

const LARGE = 3 * 1024 * 1024;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'read-stream-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const options = () => ({ rules: defaultRules, checksums: [], spoolDirectory: folder });

function chunked(data: Buffer, length: number): Readable {
  const count = Math.ceil(data.length / length);
  return Readable.from(Array.from({ length: count }, (_, at) => data.subarray(at * length, (at + 1) * length)));
}

describe('a stream', () => {
  it.each([
    ['small', Buffer.from('grüße\n')],
    ['large', Buffer.from('ä€😀 '.repeat(LARGE / 10))],
  ])('that is %s comes with its fingerprint, and leaves no file behind', async (_size, data) => {
    const content = await readStreamContent(chunked(data, 65_521), 'a.txt', options());
    const sha256 = createHash('sha256').update(data).digest('hex');
    expect(content).toMatchObject({ size: data.length, sha256, mimeType: 'text/plain', extension: '.txt' });
    expect(readdirSync(folder)).toEqual([]);
    for (let time = 1; time <= 2; time += 1) {
      const hash = createHash('sha256');
      for await (const chunk of content.body.open()) hash.update(chunk);
      expect(hash.digest('hex')).toBe(sha256);
    }
    await content.close();
  });

  it('gives the same for any chunking', async () => {
    const rules = allowing('application/octet-stream');
    const outcome = async (chunks: readonly Uint8Array[]) => {
      const reading = readStreamContent(Readable.from(chunks), 'a', { ...options(), rules });
      return reading.then(
        ({ sha256, size, mimeType }) => ({ sha256, size, mimeType }),
        (error: Error) => error.message,
      );
    };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1 }), { minLength: 1 }), async (parts) => {
        expect(await outcome(parts)).toEqual(await outcome([Buffer.concat(parts)]));
      }),
    );
  });

  it('that is empty is refused', async () => {
    await expect(readStreamContent(Readable.from([]), 'a.txt', options())).rejects.toMatchObject({
      code: 'FILE_EMPTY',
    });
  });

  it('without end is cut at the limit', async () => {
    const chunk = Buffer.alloc(65_536, 'x');
    let given = 0;
    const endless = new Readable({
      read() {
        given += chunk.length;
        this.push(chunk);
      },
    });
    await expect(readStreamContent(endless, 'a.txt', options())).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
    expect(endless.destroyed).toBe(true);
    expect(given).toBeLessThan(defaultRules.maxFileSize + 20 * chunk.length);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is judged by the limit to the byte', async () => {
    const exact = { ...options(), rules: { ...defaultRules, maxFileSize: 10 } };
    expect((await readStreamContent(chunked(Buffer.from('0123456789'), 3), 'a.txt', exact)).size).toBe(10);
    await expect(readStreamContent(chunked(Buffer.from('0123456789x'), 3), 'a.txt', exact)).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
    });
  });

  it('that breaks is refused', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(LARGE, 'x');
        throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
      })(),
    );
    await expect(readStreamContent(broken, 'a.txt', options())).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });

  it('that never comes can be given up', async () => {
    const controller = new AbortController();
    const silent = new PassThrough();
    const reading = readStreamContent(silent, 'a.txt', { ...options(), signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    expect(silent.destroyed).toBe(true);
  });
});

describe('the spool', () => {
  it('needs a directory', async () => {
    const nowhere = { ...options(), spoolDirectory: join(folder, 'none') };
    const refusal = readStreamContent(chunked(Buffer.alloc(LARGE, 'x'), 65_536), 'a.txt', nowhere);
    await expect(refusal).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('says when the disk is full', async (context) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'pipe' });
    } catch {
      console.warn('skipped: a full disk (tmpfs cannot be mounted here; run as root)');
      context.skip();
    }
    try {
      const full = { ...options(), spoolDirectory: disk };
      const refusal = readStreamContent(chunked(Buffer.alloc(LARGE, 'x'), 65_536), 'a.txt', full);
      await expect(refusal).rejects.toMatchObject({ code: 'DISK_FULL' });
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});

describe('what is only looked at', () => {
  it('may be left in the midst, and be read again', async () => {
    const data = Buffer.alloc(LARGE, 'content\n');
    const { body, close } = await readLooseContent(chunked(data, 65_536), 'a.txt', options());
    for await (const first of body.open()) {
      expect(first.length).toBeLessThan(LARGE);
      break;
    }
    await sleep(20);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body.open()) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(data)).toBe(true);
    await close();
  });
});
