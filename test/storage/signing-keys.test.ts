import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { signingKeysFile } from '../../src/storage/local/signing-keys.ts';
import { temporaryDirectory } from '../support/workspace.ts';

async function freshPath(): Promise<string> {
  return join(await temporaryDirectory(), 'new/signing.keys');
}

describe('the file of signing keys', () => {
  it('is made once, for its user alone', async () => {
    const path = await freshPath();
    const first = signingKeysFile(path)();
    expect(first).toHaveLength(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(first[0]?.secret.length).toBeGreaterThanOrEqual(43);
    expect(signingKeysFile(path)()).toEqual(first);
    expect(readFileSync(path, 'utf8')).toBe(`${first[0]?.secret}\n`);
  });

  it('signs with its first line, and keeps the others', async () => {
    const path = await freshPath();
    const [old] = signingKeysFile(path)();
    writeFileSync(path, `${'n'.repeat(40)}\n${old?.secret}\n`);
    expect(signingKeysFile(path)().map(({ secret }) => secret)).toEqual(['n'.repeat(40), old?.secret]);
  });

  it('is taken up again by a server that runs', async () => {
    const path = await freshPath();
    const keys = signingKeysFile(path);
    const [old] = keys();
    writeFileSync(path, `${'n'.repeat(40)}\n${old?.secret}\n`);
    await expect.poll(() => keys().length, { timeout: 3000 }).toBe(2);
  });

  it.each([
    ['open to others', (path: string) => chmodSync(path, 0o640), /open to other users/],
    ['empty', (path: string) => writeFileSync(path, '\n'), /no signing key/],
    ['too short', (path: string) => writeFileSync(path, 'short\n'), /less than 32/],
  ])('is refused when it is %s, without telling a key', async (_what, change, message) => {
    const path = await freshPath();
    const [made] = signingKeysFile(path)();
    change(path);
    let text = '';
    try {
      signingKeysFile(path)();
    } catch (error) {
      text = String(error);
    }
    expect(text).toMatch(message);
    expect(text).not.toContain(made?.secret ?? 'short');
  });
});
