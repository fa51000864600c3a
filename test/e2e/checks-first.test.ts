import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createStoreHome } from '../support/store-homes.ts';
import { temporaryDirectory } from '../support/workspace.ts';

/** Two directories with two assets, which expire at once. */
async function prepare() {
  const folder = await temporaryDirectory();
  const stores = ['old', 'new'].map((name) => ({ name, provider: 'LOCAL', path: join(folder, name) }));
  const { home, run } = await createStoreHome({}, stores);
  writeFileSync(join(home, 'one.txt'), 'one');
  writeFileSync(join(home, 'two.txt'), 'two');
  expect(await run(['upload', 'one.txt', 'two.txt', '--expires-in', '1s'])).toMatchObject({ code: 0 });
  /** Its exit status and error; nobody can be asked here. */
  async function outcome(...words: string[]) {
    const { code, stderr, stdout } = await run([...words, '--json']);
    const last = stderr.trim().split('\n').at(-1) ?? '';
    return { code, error: last.startsWith('{') ? JSON.parse(last).error.code : undefined, stdout };
  }
  return { home, run, outcome };
}

test('what can never work is said before anyone is asked', async () => {
  const { outcome } = await prepare();
  const member = ['--role', 'member'];
  expect(await outcome('migrate', '--from', 'old', '--to', 'old')).toMatchObject({ code: 2, error: 'USAGE' });
  expect(await outcome('migrate', '--from', 'old', '--to', 'nope')).toMatchObject({ code: 3, error: 'CONFIG_INVALID' });
  expect(await outcome('verify', '--repair', '-b', 'nope')).toMatchObject({ code: 3, error: 'CONFIG_INVALID' });
  for (const words of [
    ['migrate', '--from', 'old', '--to', 'new'],
    ['verify', '--repair'],
    ['scan', '--on-infected', 'delete'],
    ['purge-expired'],
  ]) {
    expect(await outcome(...words, ...member), words.join(' ')).toMatchObject({ code: 5, error: 'NOT_PERMITTED' });
    expect(await outcome(...words), words.join(' ')).toMatchObject({ code: 2, error: 'CONFIRMATION_REQUIRED' });
  }
});

test('options that mean nothing here are refused, not taken silently', async () => {
  const { outcome } = await prepare();
  const migrate = ['migrate', '--from', 'old', '--to', 'new', '--dry-run'];
  for (const words of [
    [...migrate, '--manifest', 'moved.jsonl'],
    [...migrate, '--concurrency', '1000'],
    ['scan', '--file', 'one.txt', '--all'],
    ['scan', '--file', 'one.txt', '--type', 'SEO_REPORT'],
  ]) {
    expect(await outcome(...words), words.join(' ')).toMatchObject({ code: 2, error: 'USAGE' });
  }
  expect(await outcome('stats', '-b', 'nope')).toMatchObject({ code: 3, error: 'CONFIG_INVALID' });
  const statsOf = async (name: string) => JSON.parse((await outcome('stats', '-b', name)).stdout);
  expect(await statsOf('new')).toMatchObject({ assets: [], objects: [], deduplicated: { count: 0 } });
  expect(await statsOf('old')).toMatchObject({ assets: [{ backend: 'old', count: 2 }], objects: [{ count: 2 }] });
});

test('a dry run is bounded as the run is, and says what it would leave', async () => {
  const { outcome } = await prepare();
  await sleep(1100);
  const { stdout } = await outcome('purge-expired', '--dry-run', '--limit', '1');
  expect(JSON.parse(stdout).summary).toMatchObject({ purged: 1, remaining: 1, dryRun: true });
  expect(JSON.parse((await outcome('purge-expired', '--dry-run')).stdout).summary).toMatchObject({ remaining: 0 });
  for (const words of [['purge-expired'], ['delete', '--expired']]) {
    const bounded = [...words, '--max-delete', '1'];
    const exceeded = { code: 11, error: 'MAX_DELETE_EXCEEDED' };
    expect(await outcome(...bounded, '--dry-run'), words.join(' ')).toMatchObject(exceeded);
    expect(await outcome(...bounded, '--yes'), words.join(' ')).toMatchObject(exceeded);
  }
  expect(await outcome('delete', '--expired', '--max-delete', '2', '--dry-run')).toMatchObject({ code: 0 });
});
