import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { openBackend } from '../../src/storage/open.ts';
import { collect } from '../support/bodies.ts';
import { s3Definition, TIMEOUTS, useS3Credentials } from '../support/cloud-stores.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { startProgram } from '../support/program.ts';
import { createBucket, describeWithService } from '../support/services/index.ts';
import { createStoreHome } from '../support/store-homes.ts';

const PART = 8 * 1024 * 1024;
const LEASE_SECONDS = 2;

await describeWithService('s3', 'SIGKILL in the middle of a multipart upload', (s3) => {
  useS3Credentials(s3);
  const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };

  it('leaves parts that the next purge ends, long before they are a day old', async () => {
    const proxy = await startFaultProxy(s3.url);
    onTestFinished(() => proxy.close());
    const definition = s3Definition({ ...s3, url: proxy.origin }, await createBucket('s3'));
    const home = await createStoreHome(env, [definition]);
    home.configure([definition], { leases: { duration: `${LEASE_SECONDS}s` } });
    const store = await openBackend(definition, TIMEOUTS);
    onTestFinished(() => store.close());
    const sessions = () => collect(store.abandonedUploads?.(new Date(Date.now() + 3_600_000)));

    writeFileSync(join(home.home, 'large.txt'), 'a line of text\n'.repeat((2.5 * PART) / 15));
    proxy.decide((method, path) =>
      method === 'PUT' && path.includes('partNumber=2') ? { kind: 'silence' } : undefined,
    );
    const upload = startProgram(home.home, ['upload', 'large.txt', '--no-compress'], { env });
    while (!proxy.seen().some((request) => request.includes('partNumber=2'))) {
      expect(upload.exitCode).toBe(null);
      await sleep(20);
    }
    upload.kill('SIGKILL');
    await once(upload, 'exit');
    expect(await sessions()).toHaveLength(1);
    await sleep(LEASE_SECONDS * 1000 + 500);
    const purged = await home.run(['purge-expired', '--yes', '--all-orgs']);
    expect(purged, purged.stderr).toMatchObject({ code: 0 });
    expect(await sessions()).toEqual([]);
  });
});
