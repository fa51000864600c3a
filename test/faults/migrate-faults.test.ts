import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { gcsDefinition, s3Definition } from '../support/cloud-stores.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { finished, startProgram } from '../support/program.ts';
import { createBucket, createDatabase, describeWithService, type Services } from '../support/services/index.ts';
import { createStoreHome, type StoreHome } from '../support/store-homes.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const FILES = 100;
const EXPIRED: Fault = {
  kind: 'answer',
  status: 400,
  body: '<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>',
};
const BUSY: Fault = { kind: 'answer', status: 503, body: '<Error><Code>SlowDown</Code></Error>' };

interface Stage extends StoreHome {
  /** Of the local store. */
  directory: string;
  proxy: FaultProxy;
  assets: { id: string; fileHash: string }[];
  migrate(...options: string[]): Promise<{ code: number | null; value: Migrated }>;
}

interface Migrated {
  failed: { id: string; code: string }[];
  summary: Record<string, number>;
}

/** A local store with 100 assets, and a bucket behind a proxy that they are to move to. */
async function prepare(s3: Services['s3']): Promise<Stage> {
  const proxy = await startFaultProxy(s3.url);
  onTestFinished(() => proxy.close());
  const directory = join(await temporaryDirectory(), 'store');
  const source = { name: 'local', provider: 'LOCAL', path: directory };
  const target = { ...s3Definition({ ...s3, url: proxy.origin }, await createBucket('s3')), name: 's3' };
  const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
  const store = await createStoreHome(env, [source, target]);
  const folder = join(store.home, 'in');
  mkdirSync(folder);
  for (let index = 0; index < FILES; index += 1) writeFileSync(join(folder, `${index}.txt`), `content of ${index}`);
  const uploaded = await store.run(['upload', 'in', '--json']);
  expect(uploaded.code, uploaded.stderr).toBe(0);
  const migrate = async (...options: string[]) => {
    const words = ['migrate', '--from', 'local', '--to', 's3', '--yes', '--json', ...options];
    const { code, stdout, stderr } = await store.run(words);
    expect(stdout, stderr).not.toBe('');
    return { code, value: JSON.parse(stdout) };
  };
  return { ...store, directory, proxy, assets: JSON.parse(uploaded.stdout).assets, migrate };
}

async function everyAssetIsWhole({ run }: Stage, output: string): Promise<void> {
  const { code, stdout, stderr } = await run(['download', '--all', '-o', output, '--json']);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout).downloaded).toHaveLength(FILES);
}

const isObjectPut = (method: string, path: string) => method === 'PUT' && path.includes('document_upload');

await describeWithService('s3', 'a migration', (s3) => {
  test('to a store that corrupts one object in a hundred leaves that one where it was, and names it', async () => {
    const stage = await prepare(s3);
    let puts = 0;
    let victim: string | undefined;
    stage.proxy.decide((method, path) => {
      if (!isObjectPut(method, path)) return undefined;
      puts += 1;
      if (puts === FILES / 2) victim = path;
      return path === victim ? { kind: 'corrupt' } : undefined;
    });
    const { code, value } = await stage.migrate();
    expect(code).toBe(10);
    expect(value.summary).toMatchObject({ migrated: FILES - 1, failed: 1, remaining: 1 });
    expect(value.failed).toHaveLength(1);
    await everyAssetIsWhole(stage, 'with-fault');
    stage.proxy.plan([]);
    expect(await stage.migrate('--retry-failed')).toMatchObject({ code: 0, value: { summary: { migrated: 1 } } });
    await everyAssetIsWhole(stage, 'after');
    expect(await stage.run(['verify', '--deep'])).toMatchObject({ code: 0 });
  });

  test('whose credentials expire half-way stops, leaves the rest where it was, and goes on with new ones', async () => {
    const stage = await prepare(s3);
    let puts = 0;
    stage.proxy.decide((method, path) => {
      if (isObjectPut(method, path)) puts += 1;
      return puts > FILES / 2 ? EXPIRED : undefined;
    });
    const { code, value } = await stage.migrate('--concurrency', '4');
    expect([8, 9]).toContain(code);
    expect(new Set(value.failed.map((each) => each.code))).toEqual(new Set(['CREDENTIALS_EXPIRED']));
    const { migrated = 0, remaining = 0 } = value.summary;
    expect(migrated).toBeGreaterThan(0);
    expect(migrated + remaining).toBe(FILES);
    stage.proxy.plan([]);
    await everyAssetIsWhole(stage, 'meanwhile');
    expect(await stage.migrate()).toMatchObject({ code: 0, value: { summary: { migrated: remaining, remaining: 0 } } });
    await everyAssetIsWhole(stage, 'after');
  });

  test('slows down when the store turns requests away, and loses nothing', async () => {
    const stage = await prepare(s3);
    let puts = 0;
    // Nine of ten are turned away for a while.
    stage.proxy.decide((method, path) => {
      if (!isObjectPut(method, path)) return undefined;
      puts += 1;
      return puts < 60 && puts % 10 !== 0 ? BUSY : undefined;
    });
    const first = await stage.migrate();
    expect(first.value.failed.filter((each) => each.code !== 'UNAVAILABLE')).toEqual([]);
    await everyAssetIsWhole(stage, 'meanwhile');
    expect(await stage.migrate()).toMatchObject({ code: 0, value: { summary: { remaining: 0 } } });
    await everyAssetIsWhole(stage, 'after');
  });

  test('slows down as soon as requests are turned away, not only when their retries are spent', async () => {
    const stage = await prepare(s3);
    let puts = 0;
    let most = 0;
    stage.proxy.decide((method, path) => {
      if (!isObjectPut(method, path)) return undefined;
      puts += 1;
      if (puts <= 30) return BUSY;
      // The sixteen that ran at once have gone on by then.
      if (puts > 50 && puts <= 65) most = Math.max(most, stage.proxy.underWay());
      return { kind: 'delay', milliseconds: 100 };
    });
    const { code, value } = await stage.migrate('--concurrency', '16');
    expect(code).toBe(0);
    expect(value.summary).toMatchObject({ migrated: FILES, failed: 0 });
    // Two rounds of sixteen made it four; each success since lets it grow a little.
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(10);
  });

  test('of a source that vanished names it, and what others deleted is no failure', async () => {
    const stage = await prepare(s3);
    const [vanished, deleted] = stage.assets;
    const shown = JSON.parse((await stage.run(['show', vanished?.id ?? '', '--json'])).stdout);
    await stage.run(['delete', deleted?.id ?? '', '--yes']);
    rmSync(join(stage.directory, shown.storagePath));
    const { code, value } = await stage.migrate();
    expect(code).toBe(10);
    expect(value.failed).toMatchObject([{ id: vanished?.id, code: 'BYTES_MISSING' }]);
    expect(value.summary).toMatchObject({ migrated: FILES - 2, failed: 1 });
  });
});

await describeWithService('postgres', 'on PostgreSQL', async () => {
  await describeWithService('gcs', 'to Google Cloud Storage', async (gcs) => {
    await describeWithService('s3', 'from S3', (s3) => {
      test('four processes share one migration: every object is copied once', async () => {
        const source = { ...s3Definition(s3, await createBucket('s3')), name: 's3' };
        const bucket = await createBucket('gcs');
        const proxy = await startFaultProxy(gcs.url);
        onTestFinished(() => proxy.close());
        const target = { ...gcsDefinition({ url: proxy.origin }, bucket), name: 'gcs' };
        const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
        const store = await createStoreHome(env, [source, target]);
        store.configure([source, target], {
          database: await createDatabase(),
          identity: { user: 'tester', organization: 'acme', role: 'operator' },
        });
        const folder = join(store.home, 'in');
        mkdirSync(folder);
        for (let index = 0; index < FILES; index += 1)
          writeFileSync(join(folder, `${index}.txt`), `${index} `.repeat(99));
        expect(await store.run(['upload', 'in'])).toMatchObject({ code: 0 });
        // The store is ours before the counting begins.
        expect(await store.run(['upload', '-', '-b', 'gcs'], { input: 'first' })).toMatchObject({ code: 0 });
        proxy.plan([]);
        const words = ['migrate', '--from', 's3', '--to', 'gcs', '--yes', '--json', '--concurrency', '4'];
        const runs = await Promise.all(
          Array.from({ length: 4 }, async () => {
            const child = startProgram(store.home, words, { env });
            child.stdin?.end();
            const { code, stdout, stderr } = await finished(child);
            expect(code, stderr).toBe(0);
            return JSON.parse(stdout).summary;
          }),
        );
        expect(runs.reduce((sum, { migrated }) => sum + migrated, 0)).toBe(FILES);
        const puts = proxy.seen().filter((request) => request.startsWith('POST /upload/'));
        expect(puts).toHaveLength(FILES);
        expect(await store.run(['verify', '--deep'])).toMatchObject({ code: 0 });
      });
    });
  });
});
