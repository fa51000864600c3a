import { fileURLToPath } from 'node:url';
import { BlobSASPermissions, BlobServiceClient } from '@azure/storage-blob';
import { openAzureBackend } from '../../src/storage/azure/azure-backend.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import type { AzureDefinition, GcsDefinition, S3Definition, StorageTimeouts } from '../../src/storage/definition.ts';
import { openGcsBackend } from '../../src/storage/gcs/gcs-backend.ts';
import { encodePath } from '../../src/storage/http/encoding.ts';
import { createS3Caller } from '../../src/storage/s3/client.ts';
import { openS3Backend } from '../../src/storage/s3/s3-backend.ts';
import { createBucket, type Services } from './services/index.ts';

export const TIMEOUTS: StorageTimeouts = { connect: 10_000, deadline: 60_000 };

/** Where the providers' own chains find who we are. Vitest gives each test file an environment of its own. */
export function useS3Credentials(s3: Services['s3']): void {
  process.env['AWS_ACCESS_KEY_ID'] = s3.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = s3.secretAccessKey;
}

export function s3Definition(s3: Services['s3'], bucket: string, prefix?: string): S3Definition {
  return { name: 's3', provider: 'AWS_S3', bucket, endpoint: s3.url, region: s3.region, forcePathStyle: true, prefix };
}

/** A fresh bucket behind the bare backend. */
export async function openFreshS3(s3: Services['s3'], prefix?: string): Promise<StorageBackend> {
  useS3Credentials(s3);
  const definition = s3Definition(s3, await createBucket('s3'), prefix);
  const backend = openS3Backend(definition, TIMEOUTS);
  plainUrls.set(backend, async (key) => {
    const caller = createS3Caller(definition, TIMEOUTS);
    const { url } = await caller.presign(`${slashed(prefix)}${key}`, {}, 60);
    await caller.close();
    return url;
  });
  return backend;
}

const plainUrls = new WeakMap<StorageBackend, (key: string) => Promise<string>>();

/** An URL that gives the object just as it is stored, headers included. */
export async function plainUrl(backend: StorageBackend, key: string): Promise<string> {
  const urlOf = plainUrls.get(backend);
  if (urlOf === undefined) throw new Error('this backend was not opened here');
  return urlOf(key);
}

function slashed(prefix: string | undefined): string {
  return prefix === undefined ? '' : `${prefix}/`;
}

/** With the credentials of a service account that exists in no project, so that there is a key to sign with. */
export function gcsDefinition(gcs: Services['gcs'], bucket: string, prefix?: string): GcsDefinition {
  const credentialsFile = fileURLToPath(new URL('../../fixtures/gcs-v4-signing/service-account.json', import.meta.url));
  return { name: 'gcs', provider: 'GOOGLE_CLOUD_STORAGE', bucket, apiEndpoint: gcs.url, credentialsFile, prefix };
}

export async function openFreshGcs(gcs: Services['gcs'], prefix?: string): Promise<StorageBackend> {
  const bucket = await createBucket('gcs');
  const backend = openGcsBackend(gcsDefinition(gcs, bucket, prefix), TIMEOUTS);
  plainUrls.set(backend, async (key) => `${gcs.url}/${bucket}/${encodePath(`${slashed(prefix)}${key}`)}`);
  return backend;
}

export function azureDefinition(azure: Services['azure'], container: string, prefix?: string): AzureDefinition {
  return { name: 'azure', provider: 'AZURE_BLOB', container, connectionString: azure.connectionString, prefix };
}

export async function openFreshAzure(azure: Services['azure'], prefix?: string): Promise<StorageBackend> {
  const container = await createBucket('azure');
  const backend = openAzureBackend(azureDefinition(azure, container, prefix), TIMEOUTS);
  const client = BlobServiceClient.fromConnectionString(azure.connectionString).getContainerClient(container);
  plainUrls.set(backend, async (key) =>
    client.getBlobClient(`${slashed(prefix)}${key}`).generateSasUrl({
      permissions: BlobSASPermissions.parse('r'),
      expiresOn: new Date(Date.now() + 60_000),
    }),
  );
  return backend;
}
