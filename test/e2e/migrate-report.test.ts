import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseDocument } from '../support/json.ts';
import { createStoreHome } from '../support/store-homes.ts';
import { temporaryDirectory } from '../support/workspace.ts';

/** Two directories, and the program at home. */
async function prepare() {
  const folder = await temporaryDirectory();
  const [source, target] = ['old', 'new'].map((name) => ({ name, provider: 'LOCAL', path: join(folder, name) }));
  if (source === undefined || target === undefined) throw new Error('no stores');
  const { home, run } = await createStoreHome({}, [source, target]);
  async function upload(name: string, ...options: string[]) {
    await writeFile(join(home, name), `content of ${name}`);
    const { code, stdout, stderr } = await run(['upload', name, '--json', ...options]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout).assets[0];
  }
  const migrate = (...options: string[]) => run(['migrate', '--from', 'old', '--to', 'new', ...options]);
  return { home, run, upload, migrate, source, target };
}

test('a report names what failed, once', async () => {
  const { run, upload, migrate, source } = await prepare();
  await upload('whole.txt');
  const gone = await upload('gone.txt');
  await rm(join(source.path, gone.storagePath));
  const moved = await migrate('--yes', '--json');
  expect(moved.code).toBe(10);
  const { summary } = parseDocument(moved.stdout);
  const report = await run(['migrate', 'report', summary.run, '--json']);
  const document = parseDocument(report.stdout);
  expect(document.failed).toMatchObject([{ code: 'BYTES_MISSING', storagePath: gone.storagePath }]);
  expect(document.summary).toMatchObject({ migrated: 1, failed: 1 });
});

test('what is skipped is named with its reason: as it happens, before it happens, and in the report', async () => {
  const { run, upload, migrate } = await prepare();
  const there = await upload('there.txt', '-b', 'new');
  const open = await upload('open.txt', '--public');
  await upload('moves.txt');
  expect((await migrate(open.id, '--yes')).code).toBe(0);
  // Its old address is free again after a day.
  const back = ['migrate', '--from', 'new', '--to', 'old', open.id, '--json'];
  const expected = [{ id: open.id, reason: 'address-taken' }];
  const planned = parseDocument((await run([...back, '--dry-run'])).stdout);
  expect(planned).toMatchObject({ skipped: expected, summary: { migrated: 0, skipped: 1, dryRun: true } });
  expect(planned.summary, 'a run that no report knows').not.toHaveProperty('run');
  const { skipped, summary } = parseDocument((await run([...back, '--yes'])).stdout);
  expect(skipped).toEqual(expected);
  expect(summary).toMatchObject({ migrated: 0, skipped: 1 });
  const report = parseDocument((await run(['migrate', 'report', summary.run, '--json'])).stdout);
  expect(report).toMatchObject({
    failed: [],
    skipped: [{ storagePath: open.storagePath, reason: 'address-taken' }],
    summary: { skipped: 1 },
  });
  const text = await migrate(there.id, '--yes', '-v');
  expect(text).toMatchObject({ code: 0, stderr: expect.stringContaining(`skipped: ${there.id}: already-there`) });
  expect(text.stderr).toContain('1 skipped (1 already-there)');
  const lines = (await migrate(there.id, '--yes', '--format', 'jsonl')).stdout.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))[0]).toEqual({ id: there.id, reason: 'already-there' });
});
