import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createStoreHome } from '../support/store-homes.ts';
import { temporaryDirectory } from '../support/workspace.ts';

async function prepare() {
  const folder = await temporaryDirectory();
  const stores = ['old', 'new'].map((name) => ({ name, provider: 'LOCAL', path: join(folder, name) }));
  const { home, run, configure } = await createStoreHome({}, stores);
  async function upload(name: string) {
    writeFileSync(join(home, name), `content of ${name}`);
    return JSON.parse((await run(['upload', name, '--json'])).stdout).assets[0];
  }
  return { home, folder, stores, run, upload, configure };
}

test('a report says how to try again what failed, in a command that works', async () => {
  const { folder, run, upload } = await prepare();
  const { storagePath } = await upload('gone.txt');
  rmSync(join(folder, 'old', storagePath));
  await run(['migrate', '--from', 'old', '--to', 'new', '--yes']);
  const [line = ''] = (await run(['migrate', 'report', '--format', 'jsonl'])).stdout.split('\n');
  const { stdout } = await run(['migrate', 'report', JSON.parse(line).run]);
  const words = /asset-cli (migrate .*--retry-failed)/.exec(stdout)?.[1]?.split(' ') ?? [];
  expect(await run([...words, '--yes', '--json'])).toMatchObject({
    code: 10,
    stdout: expect.stringContaining('BYTES_MISSING'),
  });
});

test('the question of a delete says what becomes of what is in the trash', async () => {
  const { stores, run, upload, configure } = await prepare();
  const { id } = await upload('one.txt');
  const asked = async (...words: string[]) => (await run(['delete', ...words])).stderr;
  expect(await asked(id)).toMatch(/^.*Delete 1 asset .* for good:/);
  expect(await asked(id, '--trash')).toMatch(/Move 1 asset .* to the trash:/);
  configure(stores, { trash: { enabled: true } });
  expect(await asked('--all')).toMatch(/Move 1 asset .* to the trash:/);
  expect(await asked(id)).toMatch(/to the trash, and delete for good what is there already:/);
  expect(await run(['delete', id, '--yes'])).toMatchObject({ code: 0 });
  expect(await asked('--status', 'trashed')).toMatch(/Delete 1 asset .* for good:/);
  expect(await run(['delete', id, '--trash', '--yes'])).toMatchObject({ code: 11 });
  expect(await run(['delete', '--status', 'trashed', '--yes'])).toMatchObject({ code: 0 });
  expect(await run(['show', id])).toMatchObject({ code: 4 });
});

test('the documented summary of a purge is the one that it prints', async () => {
  const { run } = await prepare();
  const { stdout } = await run(['purge-expired', '--yes', '--json']);
  const { summary } = JSON.parse(stdout);
  const documented = readFileSync(new URL('../../docs/scheduling.md', import.meta.url), 'utf8');
  const example = documented.split('\n').find((line) => line.startsWith('{"failed":[],"summary":{"purged"'));
  expect(Object.keys(JSON.parse(example ?? '{}').summary)).toEqual(Object.keys(summary));
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`"summary":{${Object.keys(summary).map((name) => `"${name}"`)}}}\` on one line; \`quar`);
});
