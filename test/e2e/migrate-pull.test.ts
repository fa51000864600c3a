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
  const target = { ...azureDefinition(await needed('azure'), await createBucket('azure')), connectionString };
  const store = await createStoreHome({ ...env, ASSET_CLI_AZURE: connectionString }, [
    { ...source, name: 'old' },
    { ...target, name: 'new' },
  ]);
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

async function needed<Name extends 'azure' | 's3' | 'gcs'>(name: Name) {
  const found = await service(name);
  if ('skip' in found) throw new Error(found.skip);
  return found;
}

async function s3Source(): Promise<[Definition, Record<string, string>]> {
  const s3 = await needed('s3');
  useS3Credentials(s3);
  const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
  return [s3Definition(s3, await createBucket('s3')), env];
}

await describeWithService('azure', 'migrate to a service that fetches from URLs', (azure) => {
  async function startService() {
    const pulling = await startPullingAzure(azure);
    onTestFinished(() => pulling.close());
    return pulling;
  }

  test('has it fetch from S3 what came there in one part', async () => {
    const pulling = await startService();
    const [source, env] = await s3Source();
    const store = await prepare(source, pulling.connectionString, env);
    await migrate(store);
    expect(pulling.requests().filter(({ pulls }) => pulls)).toHaveLength(2);
    const sent = pulling.requests().reduce((sum, { bytes }) => sum + bytes, 0);
    expect(sent).toBeLessThan(18 * MIB);
    await expectAllIntact(store);
  });

  test('has it fetch from Google Cloud Storage, which knows an MD5 of all', async () => {
    const pulling = await startService();
    const store = await prepare(
      gcsDefinition(await needed('gcs'), await createBucket('gcs')),
      pulling.connectionString,
      {},
    );
    await migrate(store);
    expect(pulling.requests().filter(({ pulls }) => pulls)).toHaveLength(3);
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
