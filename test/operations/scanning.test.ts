import { withRetries } from '../../src/storage/retry.ts';
import { openS3Backend } from '../../src/storage/s3/s3-backend.ts';
import { describeScanning } from '../conformance/scanning.ts';
import { s3Definition, TIMEOUTS, useS3Credentials } from '../support/cloud-stores.ts';
import { createBucket, createCatalogDatabase, describeWithService } from '../support/services/index.ts';
import { createWorkspace } from '../support/workspace.ts';

await describeWithService('clamd', 'with clamd', async () => {
  describeScanning('SQLite and LOCAL', { create: () => createWorkspace() });
  await describeWithService('postgres', 'on PostgreSQL', async () => {
    describeScanning('PostgreSQL and LOCAL', {
      create: async () => createWorkspace({ databaseUrl: (await createCatalogDatabase()).url }),
    });
    await describeWithService('s3', 'with S3', (s3) => {
      useS3Credentials(s3);
      describeScanning('PostgreSQL and AWS_S3', {
        async create() {
          const definition = s3Definition(s3, await createBucket('s3'));
          return createWorkspace({
            databaseUrl: (await createCatalogDatabase()).url,
            backends: ['cloud'],
            openStore: async (name) =>
              withRetries(await openS3Backend({ ...definition, name }, TIMEOUTS), { deadline: 20_000 }),
          });
        },
      });
    });
  });
});
