import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createS3Caller } from '../../src/storage/s3/client.ts';
import { gcsDefinition, s3Definition, TIMEOUTS, useS3Credentials } from '../support/cloud-stores.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { createBucket, describeWithService, type Services } from '../support/services/index.ts';
import { createStoreHome, storedKeys } from '../support/store-homes.ts';

const KIB = 1024;

/** Two buckets of one server, the source seen through a proxy. */
async function prepare(s3: Services['s3']) {
  useS3Credentials(s3);
  const proxy = await startFaultProxy(s3.url);
  onTestFinished(() => proxy.close());
  const through = { ...s3, url: proxy.origin };
  const source = { ...s3Definition(through, await createBucket('s3')), name: 'old' };
  const target = { ...s3Definition(through, await createBucket('s3')), name: 'new' };
  const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
  const store = await createStoreHome(env, [source, target]);
  return { ...store, proxy, source, target };
}

type Stage = Awaited<ReturnType<typeof prepare>>;

async function upload({ home, run }: Stage, name: string, content: string, ...options: string[]) {
  writeFileSync(join(home, name), content);
  const { code, stdout, stderr } = await run(['upload', name, '--no-compress', '--json', ...options]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout).assets[0];
}

async function migrate({ run }: Stage, ...options: string[]): Promise<{ migrated: number; seconds: number }> {
  const { code, stdout, stderr } = await run([
    ...['migrate', '--from', 'old', '--to', 'new', '--yes', '--json'],
    ...options,
  ]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout).summary;
}

const sourceReads = ({ proxy, source }: Stage) =>
  proxy.seen().filter((each) => each.startsWith(`GET /${source.bucket}/default/document_upload/`));

await describeWithService('s3', 'migrate', (s3) => {
  test('within one provider lets the service copy, unless every byte is to come through us', async () => {
    const stage = await prepare(s3);
    await upload(stage, 'a.txt', 'content');
    stage.proxy.plan([]);
    expect(await migrate(stage)).toMatchObject({ migrated: 1 });
    expect(sourceReads(stage)).toEqual([]);
    await upload(stage, 'b.txt', 'other content');
    stage.proxy.plan([]);
    expect(await migrate(stage, '--server-side', 'never')).toMatchObject({ migrated: 1 });
    expect(sourceReads(stage)).toHaveLength(1);
  });

  test('--source-grace leaves signed URLs working until purge-expired removes the source', async () => {
    const stage = await prepare(s3);
    const { id } = await upload(stage, 'a.txt', 'content');
    const signed = JSON.parse((await stage.run(['sign', id, '--json'])).stdout);
    await migrate(stage, '--source-grace', '1s');
    const asset = JSON.parse((await stage.run(['show', id, '--json'])).stdout);
    expect(asset.backend).toBe('new');
    expect(await (await fetch(signed.url)).text()).toBe('content');
    await sleep(1100);
    expect(await stage.run(['purge-expired', '--yes'])).toMatchObject({ code: 0 });
    expect((await fetch(signed.url)).status).toBe(404);
    expect(await storedKeys(stage.source)).toEqual(['.asset-cli.json']);
    expect(await stage.run(['download', id, '-o', '-'])).toMatchObject({ code: 0, stdout: 'content' });
  });

  test('--keep-source leaves the source, as a former copy that no upload is attached to', async () => {
    const stage = await prepare(s3);
    const { id, storagePath } = await upload(stage, 'a.txt', 'content');
    await migrate(stage, '--keep-source');
    expect(await storedKeys(stage.source)).toContain(storagePath);
    expect(await stage.run(['purge-expired', '--yes'])).toMatchObject({ code: 0 });
    expect(await storedKeys(stage.source)).toContain(storagePath);
    const again = await upload(stage, 'again.txt', 'content');
    expect(again).toMatchObject({ backend: 'old', deduplicated: false });
    expect(await stage.run(['delete', id, again.id, '--yes'])).toMatchObject({ code: 0 });
    expect(await stage.run(['purge-expired', '--yes'])).toMatchObject({ code: 0 });
    expect(await storedKeys(stage.source)).toEqual(['.asset-cli.json']);
    expect(await storedKeys(stage.target)).toEqual(['.asset-cli.json']);
  });

  test('--bandwidth holds what passes through us to its rate', async () => {
    const stage = await prepare(s3);
    for (let index = 0; index < 4; index += 1) await upload(stage, `${index}.txt`, `${index}`.repeat(256 * KIB));
    const { migrated, seconds } = await migrate(stage, '--server-side', 'never', '--bandwidth', '512KiB');
    expect(migrated).toBe(4);
    // 1 MiB at 512 KiB a second, of which one second's worth may go at once.
    expect(seconds).toBeGreaterThanOrEqual(1);
  });

  test('takes ids from standard input, and only what the filters leave', async () => {
    const stage = await prepare(s3);
    const one = await upload(stage, 'one.txt', 'one');
    const two = await upload(stage, 'two.txt', 'two', '--tag', 'run=2');
    const three = await upload(stage, 'three.txt', 'three');
    await migrate(stage, '--tag', 'run=2');
    const words = ['migrate', '-', '--from', 'old', '--to', 'new', '--yes', '--json'];
    expect(await stage.run(words, { input: `${one.id}\n` })).toMatchObject({ code: 0 });
    const { assets } = JSON.parse((await stage.run(['list', '--all', '--json', '-b', 'new'])).stdout);
    expect(assets.map(({ id }: { id: string }) => id).sort()).toEqual([one.id, two.id].sort());
    expect(JSON.parse((await stage.run(['show', three.id, '--json'])).stdout).backend).toBe('old');
  });

  test('a body of several parts arrives whole, just below, at and above the size of a part', async () => {
    const stage = await prepare(s3);
    const part = 8 * KIB * KIB;
    const sizes = [part - 1, part, part + 1, 2 * part + 7];
    const ids: string[] = [];
    for (const size of sizes) ids.push((await upload(stage, `${size}.txt`, `${size} `.repeat(size).slice(0, size))).id);
    expect(await migrate(stage, '--server-side', 'never')).toMatchObject({ migrated: sizes.length });
    expect(await stage.run(['download', ...ids, '-o', 'out'])).toMatchObject({ code: 0 });
    for (const size of sizes) {
      const name = `${size}.txt`;
      expect(readFileSync(join(stage.home, 'out', name)).equals(readFileSync(join(stage.home, name)))).toBe(true);
    }
  });
});

await describeWithService('gcs', 'a public asset', async (gcs) => {
  await describeWithService('s3', 'that moves', (s3) => {
    test('arrives with its path, its type, its name and its life in caches, from S3 to Google and back', async () => {
      useS3Credentials(s3);
      const source = s3Definition(s3, await createBucket('s3'));
      const bucket = await createBucket('gcs');
      const stores = [source, gcsDefinition(gcs, bucket)];
      const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
      const { home, run } = await createStoreHome(env, stores);
      writeFileSync(join(home, 'what we do.txt'), 'for all');
      const uploaded = await run(['upload', 'what we do.txt', '--public', '--json']);
      const { storagePath } = JSON.parse(uploaded.stdout).assets[0];
      const expected = {
        'content-type': 'text/plain',
        'content-disposition': expect.stringContaining('what we do.txt'),
        'cache-control': 'public, max-age=3600',
      };
      const headersAt = async (url: string) => {
        const response = await fetch(url);
        expect(await response.text()).toBe('for all');
        return Object.fromEntries(response.headers);
      };
      expect(await run(['migrate', '--from', 's3', '--to', 'gcs', '--yes'])).toMatchObject({ code: 0 });
      expect(await headersAt(`${gcs.url}/${bucket}/${storagePath}`)).toMatchObject(expected);
      const elsewhere = { ...s3Definition(s3, await createBucket('s3')), name: 'elsewhere' };
      const back = await createStoreHome(env, [...stores, elsewhere]);
      writeFileSync(join(home, 'asset-cli.config.json'), readFileSync(join(back.home, 'asset-cli.config.json')));
      expect(await run(['migrate', '--from', 'gcs', '--to', 'elsewhere', '--yes'])).toMatchObject({ code: 0 });
      const caller = createS3Caller(elsewhere, TIMEOUTS);
      const { url } = await caller.presign(storagePath, {}, 60);
      await caller.close();
      expect(await headersAt(url)).toMatchObject(expected);
    });
  });
});
