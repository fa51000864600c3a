import { chmodSync, chownSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { signingKeysFile } from '../../src/storage/local/signing-keys.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const ignore = (): void => undefined;

async function freshPath(): Promise<string> {
  return join(await temporaryDirectory(), 'new/signing.keys');
}

describe('the file of signing keys', () => {
  it('is made once, for its user alone', async () => {
    const path = await freshPath();
    const first = signingKeysFile(path, ignore)();
    expect(first).toHaveLength(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(first[0]?.secret.length).toBeGreaterThanOrEqual(43);
    expect(signingKeysFile(path, ignore)()).toEqual(first);
    expect(readFileSync(path, 'utf8')).toBe(`${first[0]?.secret}\n`);
  });

  it('signs with its first line, and keeps the others', async () => {
    const path = await freshPath();
    const [old] = signingKeysFile(path, ignore)();
    writeFileSync(path, `${'n'.repeat(40)}\n${old?.secret}\n`);
    expect(signingKeysFile(path, ignore)().map(({ secret }) => secret)).toEqual(['n'.repeat(40), old?.secret]);
  });

  it('is taken up again by a server that runs', async () => {
    const path = await freshPath();
    const keys = signingKeysFile(path, ignore);
    const [old] = keys();
    writeFileSync(path, `${'n'.repeat(40)}\n${old?.secret}\n`);
    await expect.poll(() => keys().length).toBe(2);
  });

  it('is not made again while a server runs, whose keys go on', async () => {
    const path = await freshPath();
    const warnings: string[] = [];
    const keys = signingKeysFile(path, (message) => warnings.push(message));
    const made = keys();
    rmSync(path);
    const seen = () => {
      expect(keys()).toEqual(made);
      return warnings.length;
    };
    await expect.poll(seen).toBe(1);
    expect([warnings[0], existsSync(path)]).toEqual([expect.stringMatching(/ENOENT.*go on$/), false]);
  });

  it('may have the line ends of another system', async () => {
    const path = await freshPath();
    signingKeysFile(path, ignore)();
    writeFileSync(path, `${'a'.repeat(40)}\r\n${'b'.repeat(40)}\r\n`);
    const secrets = signingKeysFile(path, ignore)().map(({ secret }) => secret);
    expect(secrets).toEqual(['a'.repeat(40), 'b'.repeat(40)]);
  });

  it.runIf(process.getuid?.() === 0)('is refused when it belongs to another user', async () => {
    const path = await freshPath();
    signingKeysFile(path, ignore)();
    chownSync(path, 65_534, 65_534);
    expect(signingKeysFile(path, ignore)).toThrow(/belongs to another user/);
  });

  it.each([
    ['open to others', (path: string) => chmodSync(path, 0o640), /open to other users/],
    ['empty', (path: string) => writeFileSync(path, '\n'), /no signing key/],
    ['too short', (path: string) => writeFileSync(path, 'short\n'), /less than 32/],
  ])('is refused when it is %s, without telling a key', async (_what, change, message) => {
    const path = await freshPath();
    const [made] = signingKeysFile(path, ignore)();
    change(path);
    let text = '';
    try {
      signingKeysFile(path, ignore)();
    } catch (error) {
      text = String(error);
    }
    expect(text).toMatch(message);
    expect(text).not.toContain(made?.secret ?? 'short');
  });
});
