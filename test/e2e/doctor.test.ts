import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createStoreHome, describeEachStore, storedKeys } from '../support/store-homes.ts';

interface Check {
  name: string;
  status: string;
  message: string;
  hint: string | null;
}

function checksIn(stdout: string): Map<string, Check> {
  return new Map(JSON.parse(stdout).checks.map((check: Check) => [check.name, check]));
}

await describeEachStore('doctor', (kind) => {
  const signs = kind.provider !== 'LOCAL';

  test('examines everything against the real thing, and leaves nothing behind', async () => {
    const store = await kind.fresh('files');
    const { run } = await createStoreHome(kind.env, [store]);
    const { stdout, stderr, code } = await run(['doctor', '--json']);
    expect(code, stdout + stderr).toBe(0);
    const checks = checksIn(stdout);
    const names = ['versions', 'configuration', 'database', 'database clock', 'database space', 'temporary space'];
    const stores = ['backend files', 'backend files clock', ...(signs ? [] : ['backend files space'])];
    expect([...checks.keys()]).toEqual([...names, ...stores]);
    expect([...checks.values()].filter(({ status }) => status !== 'ok')).toEqual([]);
    const did = signs ? 'wrote, read, listed, signed and deleted' : 'wrote, read, listed and deleted';
    expect(checks.get('backend files')?.message).toBe(`${kind.provider}: ${did} a probe`);
    expect(await storedKeys(store)).toEqual(['.asset-cli.json']);
    expect(checks.get('versions')?.message).toContain(process.version);
    expect((await run(['doctor'])).stdout).toMatch(/^ok {7}backend files: /m);
    for (const secret of kind.secrets) expect(stdout + stderr).not.toContain(secret);
  });

  test('sees a clock that is off, and says by how much', async () => {
    const { home, run } = await createStoreHome(kind.env, [await kind.fresh('files')]);
    // The program's own clock, ten minutes ahead: S3 and Azure still accept its signatures.
    const shift = join(home, 'shift.cjs');
    writeFileSync(shift, 'const now = Date.now; Date.now = () => now() + 600_000;');
    const { stdout, code } = await run(['doctor', '--json'], { env: { NODE_OPTIONS: `--require=${shift}` } });
    expect(code, stdout).toBe(0);
    expect(checksIn(stdout).get('backend files clock')).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('10 min'),
      hint: expect.stringContaining('NTP'),
    });
  });
});
