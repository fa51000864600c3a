import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { BlobServiceClient } from '@azure/storage-blob';
import { inject, onTestFinished } from 'vitest';
import { asLogin, catalogTemplate, runSql, withDatabase } from '../postgres-databases.ts';
import { askServicePool } from './coordinator.ts';
import type { AzureService, GcsService, S3Service, ServiceName, Services } from './definitions.ts';

/** Makes an empty bucket or container of the caller's own and tells its name; it goes with the server. */
export async function createBucket(name: 's3' | 'gcs' | 'azure'): Promise<string> {
  const bucket = `test-${randomUUID()}`;
  if (name === 's3') await createS3Bucket(await need('s3'), bucket);
  if (name === 'gcs') await createGcsBucket(await need('gcs'), bucket);
  if (name === 'azure') await createContainer(await need('azure'), bucket);
  return bucket;
}

async function createS3Bucket(service: S3Service, bucket: string): Promise<void> {
  const { url, region, accessKeyId, secretAccessKey } = service;
  const client = new S3Client({
    endpoint: url,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
}

async function createGcsBucket({ url }: GcsService, bucket: string): Promise<void> {
  const body = JSON.stringify({ name: bucket });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/storage/v1/b?project=test`, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`no bucket: ${response.status} ${await response.text()}`);
}

async function createContainer({ connectionString }: AzureService, container: string): Promise<void> {
  await BlobServiceClient.fromConnectionString(connectionString).getContainerClient(container).create();
}

/** Makes an empty database of the running test's own and tells its URL; it is dropped when the test has finished. */
export async function createDatabase(): Promise<string> {
  const { url } = await need('postgres');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await runSql(url, `create database ${name}`);
  onTestFinished(async () => {
    await runSql(url, `drop database if exists ${name} with (force)`);
  });
  return withDatabase(url, name);
}

/**
 * Makes an empty catalog on PostgreSQL, of the running test's own: the URL of the login that has the documented rights,
 * and of the owner. A copy of a template, which all tests of a server share.
 */
export async function createCatalogDatabase(): Promise<{ url: string; ownerUrl: string }> {
  const { url: adminUrl } = await need('postgres');
  const template = await catalogTemplate(adminUrl);
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await runSql(adminUrl, `create database ${name} template ${template.name} ${template.copying}`);
  onTestFinished(async () => {
    await runSql(adminUrl, `drop database if exists ${name} with (force)`);
  });
  const ownerUrl = withDatabase(adminUrl, name);
  return { url: asLogin(ownerUrl, template.login), ownerUrl };
}

async function need<Name extends ServiceName>(name: Name): Promise<Services[Name]> {
  const found = await askServicePool(inject('servicesSocket'), name);
  if ('skip' in found) throw new Error(found.skip);
  return found;
}
