import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { runProgram } from '../support/program.ts';
import { createStoreHome, describeEachStore, type StoreHome, storedKeys } from '../support/store-homes.ts';

interface AssetOutput {
  id: string;
  backend: string;
  storageProvider: string;
  storagePath: string;
  deduplicated: boolean;
}

const MARKER = '.asset-cli.json';

await describeEachStore('every command', (kind) => {
  const isLocal = kind.provider === 'LOCAL';
  let one: Awaited<ReturnType<typeof kind.fresh>>;
  let two: Awaited<ReturnType<typeof kind.fresh>>;
  let store: StoreHome;

  beforeEach(async () => {
    // Two of one provider at once; the second may share the first's bucket, behind a prefix beside the other's.
    one = await kind.fresh('one', { prefix: 'a' });
    two = await kind.fresh('two', { prefix: 'b', ...(isLocal ? {} : { sameAs: one }) });
    store = await createStoreHome(kind.env, [one, two]);
  });

  async function json(args: readonly string[], input?: string) {
    const { stdout, stderr, code } = await store.run([...args, '--json'], input === undefined ? {} : { input });
    for (const secret of kind.secrets) expect(stdout + stderr).not.toContain(secret);
    return { code, stderr, value: stdout === '' ? undefined : JSON.parse(stdout) };
  }

  async function upload(content: string, ...args: string[]): Promise<AssetOutput> {
    const { code, stderr, value } = await json(['upload', '-', '--name', 'a "für" 世界.txt', ...args], content);
    expect(code, stderr).toBe(0);
    return value.assets[0];
  }

  test('upload stores in the default or the named backend, and lists, shows and hands out from there', async () => {
    const first = await upload('first\n');
    const second = await upload('second\n', '--backend', 'two');
    const byVariable = await runProgram(store.home, ['upload', '-', '--name', 'x.txt', '--json'], {
      env: { ...kind.env, ASSET_CLI_BACKEND: 'two' },
      input: 'third\n',
    });
    const third: AssetOutput = JSON.parse(byVariable.stdout).assets[0];
    expect([first.backend, second.backend, third.backend]).toEqual(['one', 'two', 'two']);
    expect(first.storageProvider).toBe(kind.provider);
    expect(await storedKeys(one)).toEqual([MARKER, first.storagePath]);
    expect(await storedKeys(two)).toEqual([MARKER, ...[second.storagePath, third.storagePath].sort()]);

    const idsOf = async (...args: string[]) =>
      (await store.run(['list', '--ids', ...args])).stdout.trim().split('\n').sort();
    expect(await idsOf()).toEqual([first.id, second.id, third.id].sort());
    expect(await idsOf('--backend', 'two')).toEqual([second.id, third.id].sort());

    expect((await json(['show', second.id])).value).toMatchObject({ id: second.id, backend: 'two' });
    for (const [asset, content] of [
      [first, 'first\n'],
      [second, 'second\n'],
      [third, 'third\n'],
    ] as const) {
      expect((await store.run(['download', asset.id, '-o', '-'])).stdout).toBe(content);
    }
    const downloaded = await json(['download', '--backend', 'two', '-o', 'out']);
    expect(downloaded.value.summary).toMatchObject({ downloaded: 2, failed: 0 });
    const { events } = (await json(['audit', second.id])).value;
    expect(events.map((event: { action: string }) => event.action)).toEqual(['downloaded', 'downloaded', 'uploaded']);
  });

  test('equal content is stored once in each backend', async () => {
    await upload('same\n');
    expect((await upload('same\n')).deduplicated).toBe(true);
    expect((await upload('same\n', '--backend', 'two')).deduplicated).toBe(false);
    expect(await storedKeys(one)).toHaveLength(2);
    expect(await storedKeys(two)).toHaveLength(2);
  });

  test('sign hands out what is fetched by plain HTTP, where it can', async () => {
    const { id } = await upload('signed\n', '--backend', 'two');
    const { code, value, stderr } = await json(['sign', id]);
    expect(code, stderr).toBe(0);
    if (isLocal) {
      // Whether serve answers to it is tested with serve.
      expect(value.url).toMatch(/^http:\/\/127\.0\.0\.1:8080\/files\/two\//);
      return;
    }
    const response = await fetch(value.url);
    expect([response.status, await response.text()]).toEqual([200, 'signed\n']);
  });

  test('delete removes the bytes of its backend alone, and with the last asset on them', async () => {
    const kept = await upload('one\n');
    const twin = [await upload('two\n', '--backend', 'two'), await upload('two\n', '--backend', 'two')] as const;
    expect((await json(['delete', twin[0].id, '--yes'])).code).toBe(0);
    expect(await storedKeys(two)).toEqual([MARKER, twin[0].storagePath]);
    const dry = await json(['delete', '--backend', 'two', '--dry-run']);
    expect(dry.value.summary).toMatchObject({ deleted: 1, dryRun: true });
    expect((await json(['delete', '--backend', 'two', '--yes'])).value.summary).toMatchObject({
      deleted: 1,
      failed: 0,
    });
    expect(await storedKeys(two)).toEqual([MARKER]);
    expect(await storedKeys(one)).toEqual([MARKER, kept.storagePath]);
    expect((await json(['audit', '--action', 'deleted'])).value.events).toHaveLength(2);
    const status = (await json(['db', 'status'])).value;
    expect(status.objects).toMatchObject({ STORED: 1, PENDING: 0, DELETING: 0 });
  });

  test('a public asset lies behind public/, and a large file comes back whole', async () => {
    const open = await upload('public\n', '--public');
    expect(open.storagePath).toMatch(/^public\//);
    // Several parts, where the provider has such.
    const large = Buffer.alloc(20 * 2 ** 20, 'line of a large file\n');
    writeFileSync(join(store.home, 'large.txt'), large);
    const { value, code, stderr } = await json(['upload', 'large.txt']);
    expect(code, stderr).toBe(0);
    expect((await json(['download', value.assets[0].id, '-o', 'back.txt'])).code).toBe(0);
    expect(readFileSync(join(store.home, 'back.txt')).equals(large)).toBe(true);
  });

  test('doctor examines each, or the one that is named', async () => {
    const names = async (...args: string[]): Promise<string[]> =>
      (await json(['doctor', ...args])).value.checks
        .map((check: { name: string }) => check.name)
        .filter((name: string) => /^backend \w+$/.test(name));
    expect(await names()).toEqual(['backend one', 'backend two']);
    expect(await names('--backend', 'two')).toEqual(['backend two']);
  });

  test('a backend that nobody configured is refused', async () => {
    const { code, stderr } = await json(['upload', '-', '--name', 'x.txt', '--backend', 'tow'], 'x');
    expect([2, 3]).toContain(code);
    expect(JSON.parse(stderr).error.hint).toContain('two');
  });
});
