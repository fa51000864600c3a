import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { sampleBytes } from '../support/bodies.ts';
import { azureDefinition, gcsDefinition, s3Definition, useS3Credentials } from '../support/cloud-stores.ts';
import { startPullingAzure } from '../support/pulling-azure.ts';
import { createBucket, describeWithService, service } from '../support/services/index.ts';
import { createStoreHome } from '../support/store-homes.ts';

const MIB = 1024 * 1024;
/** Small ones pass through us; the last one comes to S3 in parts, so that no ETag is its MD5. */
const SIZES = { 'small.txt': 1000, 'a.txt': 3 * MIB, 'b.txt': 5 * MIB, 'parts.txt': 17 * MIB };

interface Definition {
  provider: string;
}

/** A catalog whose files are in `source`, and a container that is empty yet. */
async function prepare(source: Definition, connectionString: string, env: Record<string, string>) {
  const target = { ...azureDefinition(await azure(), await createBucket('azure')), connectionString };
  const backends = [
    { ...source, name: 'old' },
    { ...target, name: 'new' },
  ];
  const store = await createStoreHome({ ...env, ASSET_CLI_AZURE: connectionString }, backends);
  store.configure(backends, { leases: { duration: '3s' } });
  for (const [name, size] of Object.entries(SIZES)) {
    writeFileSync(join(store.home, name), sampleBytes(size / 2, size % 251).toString('hex'));
  }
  const { code, stderr } = await store.run(['upload', ...Object.keys(SIZES), '-b', 'old', '--no-compress']);
  expect(code, stderr).toBe(0);
  return store;
}

type Store = Awaited<ReturnType<typeof prepare>>;

async function migrate({ run }: Store, ...options: string[]): Promise<void> {
  const words = ['migrate', '--from', 'old', '--to', 'new', '--yes', '--json'];
  const { code, stdout, stderr } = await run([...words, ...options]);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout).summary).toMatchObject({ migrated: Object.keys(SIZES).length, failed: 0 });
}

async function expectAllIntact({ home, run }: Store): Promise<void> {
  expect(await run(['verify', '--deep'])).toMatchObject({ code: 0 });
  expect(await run(['verify'])).toMatchObject({ code: 0 });
  expect(await run(['download', '--all', '-b', 'new', '-o', 'back/'])).toMatchObject({ code: 0 });
  const digest = (path: string) =>
    createHash('sha256')
      .update(readFileSync(join(home, path)))
      .digest('hex');
  for (const name of Object.keys(SIZES)) expect(digest(join('back', name))).toBe(digest(name));
}

async function azure() {
  const found = await service('azure');
  if ('skip' in found) throw new Error(found.skip);
  return found;
}

async function startService() {
  const pulling = await startPullingAzure(await azure());
  onTestFinished(() => pulling.close());
  return pulling;
}

await describeWithService('gcs', 'migrate from Google Cloud Storage to a service that fetches from URLs', (gcs) => {
  test('has it fetch what is large: an MD5 of all is known', async () => {
    const pulling = await startService();
    const store = await prepare(gcsDefinition(gcs, await createBucket('gcs')), pulling.connectionString, {});
    await migrate(store);
    expect(pulling.fetched()).toHaveLength(3);
    await expectAllIntact(store);
  });
});

await describeWithService('s3', 'migrate from S3 to a service that fetches from URLs', (s3) => {
  async function s3Source(): Promise<[Definition, Record<string, string>]> {
    useS3Credentials(s3);
    const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
    return [s3Definition(s3, await createBucket('s3')), env];
  }

  test('has it fetch what came there in one part', async () => {
    const pulling = await startService();
    const [source, env] = await s3Source();
    const store = await prepare(source, pulling.connectionString, env);
    await migrate(store);
    expect(pulling.fetched()).toHaveLength(2);
    const sent = pulling.requests().reduce((sum, { bytes }) => sum + bytes, 0);
    expect(sent).toBeLessThan(18 * MIB);
    await expectAllIntact(store);
  });

  test('reads the copy where the service does not tell what it computed', async () => {
    const pulling = await startService();
    pulling.concealMd5();
    const [source, env] = await s3Source();
    const store = await prepare(source, pulling.connectionString, env);
    await migrate(store);
    const reads = pulling.requests().filter(({ method, path }) => method === 'GET' && path.includes('document_upload'));
    expect(reads.length).toBeGreaterThanOrEqual(2);
    await expectAllIntact(store);
  });

  test('reads the copy where an answer was lost: the service would tell what it was told', async () => {
    const pulling = await startService();
    pulling.loseFirstAnswer();
    const [source, env] = await s3Source();
    const store = await prepare(source, pulling.connectionString, env);
    await migrate(store);
    const reads = pulling.requests().filter(({ method, path }) => method === 'GET' && path.includes('document_upload'));
    expect(reads.length).toBeGreaterThanOrEqual(1);
    await expectAllIntact(store);
  });

  test('keeps in mind what the service may still fetch, and sends the rest itself', async () => {
    const pulling = await startService();
    const release = pulling.hold();
    const [source, env] = await s3Source();
    const store = await prepare(source, pulling.connectionString, env);
    const words = ['migrate', '--from', 'old', '--to', 'new', '--yes', '--json', '--concurrency', '1'];
    const first = await store.run(words);
    expect(first.code, first.stderr).toBe(9);
    expect(JSON.parse(first.stdout)).toMatchObject({
      summary: { migrated: 3, failed: 1 },
      failed: [{ code: 'UNAVAILABLE' }],
    });
    await release();
    const verified = await store.run(['verify', '--json']);
    expect(JSON.parse(verified.stdout).summary).toMatchObject({ missing: 0, corrupt: 0, orphaned: 0 });
    const again = await store.run([...words, '--server-side', 'never']);
    expect(JSON.parse(again.stdout).summary, again.stderr).toMatchObject({ failed: 0 });
    await expectAllIntact(store);
  });

  test('sends the bytes itself where those that were fetched are others', async () => {
    const pulling = await startService();
    pulling.corrupt();
    const [source, env] = await s3Source();
    const store = await prepare(source, pulling.connectionString, env);
    await migrate(store);
    expect(pulling.requests().filter(({ pulls }) => pulls).length).toBeGreaterThan(0);
    await expectAllIntact(store);
  });

  test('does not have it fetch anything when every byte is to come through us', async () => {
    const pulling = await startService();
    const [source, env] = await s3Source();
    const store = await prepare(source, pulling.connectionString, env);
    await migrate(store, '--server-side', 'never');
    expect(pulling.requests().filter(({ pulls }) => pulls)).toEqual([]);
    await expectAllIntact(store);
  });

  test('sends the bytes itself to a service that cannot, and asks it no more', async () => {
    const pulling = await startService();
    pulling.pullNothing();
    const [source, env] = await s3Source();
    const store = await prepare(source, pulling.connectionString, env);
    await migrate(store, '--concurrency', '1');
    expect(pulling.requests().filter(({ pulls }) => pulls)).toHaveLength(1);
    await expectAllIntact(store);
  });
});
