import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type FaultStage, playRounds, ROUNDS, SEED, settleDown } from '../support/fault-rounds.ts';
import { judge } from '../support/judge.ts';
import { judgeCloud } from '../support/judge-cloud.ts';
import { createBucket, createDatabase, describeWithService } from '../support/services/index.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const LEASE_SECONDS = 2;
const TIMEOUT = 60_000 + ROUNDS * 40_000;

async function stageHome(configuration: string): Promise<string> {
  const home = join(await temporaryDirectory(), 'home');
  mkdirSync(join(home, 'config', 'asset-cli'), { recursive: true });
  const common = `leases: { duration: ${LEASE_SECONDS}s }\ntrash: { retention: 1s }\n`;
  writeFileSync(join(home, 'config', 'asset-cli', 'config.yaml'), configuration + common);
  return home;
}

async function survives(stage: FaultStage): Promise<void> {
  await playRounds(stage, ROUNDS, SEED);
  const end = await settleDown(stage, LEASE_SECONDS * 1000);
  expect(end.faults).toEqual([]);
}

test(`uploads, deletes, purge and repair on SQLite and LOCAL, one killed in each round`, {
  timeout: TIMEOUT,
}, async () => {
  const home = await stageHome('');
  const data = join(home, 'data', 'asset-cli');
  await survives({ home, env: {}, judge: () => judge(join(data, 'assets.db'), join(data, 'storage')) });
});

await describeWithService('postgres', 'on PostgreSQL', async () => {
  await describeWithService('s3', 'and S3', (s3) => {
    test('uploads, deletes, purge and repair, one killed in each round', { timeout: TIMEOUT }, async () => {
      const [database, bucket] = [await createDatabase(), await createBucket('s3')];
      const home = await stageHome(
        `database: ${database}
identity: { user: tester, organization: acme, role: operator }
defaultBackend: s3
backends:
  s3: { provider: AWS_S3, bucket: ${bucket}, endpoint: "${s3.url}", region: ${s3.region}, forcePathStyle: true }
`,
      );
      const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
      await survives({ home, env, judge: () => judgeCloud(database, s3, bucket) });
    });
  });
});
