import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Content } from '../../../src/content/content.ts';
import { readFileContent } from '../../../src/content/read-content.ts';
import { allowing, defaultRules } from '../rules.ts';

const options = { rules: defaultRules, checksums: [] };
const LARGE = 3 * 1024 * 1024 + 17;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'read-file-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, data: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, data);
  return path;
}

async function bodyOf(content: Content): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.body.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Text with a multi-byte character on every likely chunk border. */
function largeText(): Buffer {
  return Buffer.from('x€'.repeat(Math.ceil(LARGE / 4))).subarray(0, LARGE - (LARGE % 4));
}

describe('a readable file', () => {
  it.each([
    ['small', Buffer.from('a,b\n1,2\n')],
    ['large', largeText()],
  ])('that is %s comes with its fingerprint, and can be read again and again', async (_size, data) => {
    const content = await readFileContent(file('data.csv', data), { ...options, checksums: ['md5', 'crc32c'] });
    const sha256 = createHash('sha256').update(data).digest('hex');
    expect(content).toMatchObject({ size: data.length, sha256, mimeType: 'text/csv', extension: '.csv' });
    expect((await content.stored()).checksums).toMatchObject({
      sha256,
      md5: createHash('md5').update(data).digest('hex'),
    });
    expect(content.body.size).toBe(data.length);
    const [first, second] = await Promise.all([bodyOf(content), bodyOf(content)]);
    expect(first.equals(data) && second.equals(data)).toBe(true);
    await content.close();
    await content.close();
  });

  it('is found behind a symbolic link', async () => {
    const path = file('real.txt', 'text');
    symlinkSync(path, join(folder, 'link'));
    expect((await readFileContent(join(folder, 'link'), options)).mimeType).toBe('text/plain');
  });

  it('leaves no descriptor open, accepted or refused', async () => {
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    await (await readFileContent(file('a.txt', 'text'), options)).close();
    await (await readFileContent(file('b.txt', largeText()), options)).close();
    await expect(readFileContent(file('c.txt', Buffer.alloc(LARGE)), options)).rejects.toThrow();
    await expect(readFileContent(file('d.txt', '\0'), options)).rejects.toThrow();
    expect(open()).toBe(before);
  });
});

describe('a file that cannot be read', () => {
  it('is missing', async () => {
    await expect(readFileContent(join(folder, 'none.txt'), options)).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
    const below = join(file('a.txt', 'text'), 'none.txt');
    await expect(readFileContent(below, options)).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
  });

  it('is forbidden', async () => {
    const path = file('secret.txt', 'text');
    chmodSync(path, 0);
    chmodSync(folder, 0o755);
    const asRoot = process.getuid?.() === 0;
    if (asRoot) process.seteuid?.(65534);
    const refusal = readFileContent(path, options);
    if (asRoot) process.seteuid?.(0);
    await expect(refusal).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('may not be read'),
    });
  });

  it('is no file: a directory, a pipe, a socket, a device', async () => {
    mkdirSync(join(folder, 'directory'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const server = createServer().listen(join(folder, 'socket'));
    for (const name of ['directory', 'pipe', 'socket', '/dev/zero']) {
      const path = name.startsWith('/') ? name : join(folder, name);
      await expect(readFileContent(path, options)).rejects.toMatchObject({
        code: 'FILE_UNREADABLE',
        message: expect.stringContaining('not a regular file'),
      });
    }
    server.close();
  });

  it('is empty', async () => {
    await expect(readFileContent(file('a.txt', ''), options)).rejects.toMatchObject({ code: 'FILE_EMPTY' });
  });

  it('is one byte too large; it is not read', async () => {
    const path = file('a.txt', '');
    truncateSync(path, defaultRules.maxFileSize);
    await expect(readFileContent(path, options)).rejects.toMatchObject({ code: 'TYPE_MISMATCH' });
    truncateSync(path, defaultRules.maxFileSize + 1);
    await expect(readFileContent(path, options)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
    truncateSync(path, 2 ** 43);
    await expect(readFileContent(path, options)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
  });
});

describe('a file that changes', () => {
  /** Runs once, between two chunks of the first pass. */
  function meanwhile(change: () => void): AbortSignal {
    const { signal } = new AbortController();
    let calls = 0;
    signal.throwIfAborted = () => {
      calls += 1;
      if (calls === 2) change();
    };
    return signal;
  }

  it.each([
    ['grows', (path: string) => appendFileSync(path, 'x')],
    ['shrinks', (path: string) => truncateSync(path, 2 * 1024 * 1024 + 5)],
    ['is emptied', (path: string) => truncateSync(path, 0)],
  ])('and %s while it is read is refused', async (_how, change) => {
    const path = file('a.txt', largeText());
    const refusal = readFileContent(path, { ...options, signal: meanwhile(() => change(path)) });
    await expect(refusal).rejects.toMatchObject({ code: 'FILE_CHANGED' });
  });

  it.each([
    [
      'a byte differs',
      (path: string, data: Buffer) => writeFileSync(path, Buffer.concat([data.subarray(0, -1), Buffer.from('?')])),
    ],
    [
      'the first byte differs',
      (path: string, data: Buffer) => writeFileSync(path, Buffer.concat([Buffer.from('?'), data.subarray(1)])),
    ],
    ['it is shorter', (path: string) => truncateSync(path, 2 * 1024 * 1024)],
  ])('before it is stored is never handed out whole: %s', async (_how, change) => {
    const data = largeText();
    const path = file('a.txt', data);
    const content = await readFileContent(path, options);
    change(path, data);
    let received = 0;
    const reading = (async () => {
      for await (const chunk of content.body.open()) received += chunk.length;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'FILE_CHANGED' });
    expect(received).toBeLessThan(data.length);
    await content.close();
  });

  it('is read as it was if its name goes', async () => {
    const data = largeText();
    const path = file('a.txt', data);
    const content = await readFileContent(path, options);
    rmSync(path);
    expect((await bodyOf(content)).equals(data)).toBe(true);
    await content.close();
  });
});

describe('large content', () => {
  it('is valid text to its last byte or none', async () => {
    const data = Buffer.concat([largeText(), Buffer.from('€').subarray(0, 2)]);
    await expect(readFileContent(file('a.txt', data), options)).rejects.toMatchObject({ code: 'TYPE_MISMATCH' });
  });

  it('of a forbidden type is refused by its first chunk', async () => {
    const path = file('program', Buffer.concat([Buffer.from('\x7fELF'), Buffer.alloc(LARGE)]));
    const { signal } = new AbortController();
    let chunks = -1; // the first call comes before the file is opened
    signal.throwIfAborted = () => {
      chunks += 1;
    };
    await expect(readFileContent(path, { ...options, signal })).rejects.toMatchObject({ code: 'TYPE_NOT_ALLOWED' });
    expect(chunks).toBe(1);
  });

  it('stops when it is asked to', async () => {
    const controller = new AbortController();
    const reading = readFileContent(file('a.txt', largeText()), { ...options, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    await expect(readFileContent(file('a.txt', 'x'), { ...options, signal: controller.signal })).rejects.toThrow(
      'enough',
    );
  });

  it('may be of any allowed type', async () => {
    const rules = allowing('application/octet-stream');
    const data = Buffer.alloc(LARGE, Buffer.from([0, 1, 2, 200]));
    const content = await readFileContent(file('a.dat', data), { rules, checksums: ['crc32c'] });
    expect(content).toMatchObject({ mimeType: 'application/octet-stream', extension: '.dat' });
    await content.close();
  });
});
