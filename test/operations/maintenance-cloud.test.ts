import { openAzureBackend } from '../../src/storage/azure/azure-backend.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { openGcsBackend } from '../../src/storage/gcs/gcs-backend.ts';
import { withRetries } from '../../src/storage/retry.ts';
import { openS3Backend } from '../../src/storage/s3/s3-backend.ts';
import { describeMaintenance } from '../conformance/maintenance.ts';
import { azureDefinition, gcsDefinition, s3Definition, TIMEOUTS, useS3Credentials } from '../support/cloud-stores.ts';
import { runSql } from '../support/postgres-databases.ts';
import { createBucket, createCatalogDatabase, describeWithService } from '../support/services/index.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';

/** The same store each time it is opened by one name, as a process would find it again. */
function suiteOn(open: (name: string) => Promise<StorageBackend>) {
  return {
    async create(backends: readonly string[] = ['cloud']): Promise<Workspace> {
      const stores = new Map<string, Promise<StorageBackend>>();
      const openStore = (name: string) => {
        const store = stores.get(name) ?? open(name).then((bare) => withRetries(bare, { deadline: 20_000 }));
        stores.set(name, store);
        return store;
      };
      return createWorkspace({ databaseUrl: (await createCatalogDatabase()).url, backends, openStore });
    },
    query: (work: Workspace, statement: string) => runSql(work.databaseUrl, statement),
  };
}

await describeWithService('postgres', 'on PostgreSQL', async () => {
  await describeWithService('s3', 'with S3', (s3) => {
    useS3Credentials(s3);
    const open = async (name: string) =>
      openS3Backend({ ...s3Definition(s3, await createBucket('s3')), name }, TIMEOUTS);
    describeMaintenance('PostgreSQL and AWS_S3', suiteOn(open));
  });
  await describeWithService('gcs', 'with GCS', (gcs) => {
    const open = async (name: string) =>
      openGcsBackend({ ...gcsDefinition(gcs, await createBucket('gcs')), name }, TIMEOUTS);
    describeMaintenance('PostgreSQL and GOOGLE_CLOUD_STORAGE', suiteOn(open));
  });
  await describeWithService('azure', 'with Azure', (azure) => {
    const open = async (name: string) =>
      openAzureBackend({ ...azureDefinition(azure, await createBucket('azure')), name }, TIMEOUTS);
    describeMaintenance('PostgreSQL and AZURE_BLOB', suiteOn(open));
  });
});
