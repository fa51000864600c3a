import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, S3Client } from '@aws-sdk/client-s3';
import { type CatalogFacts, compareFacts, FACT_QUERIES, type Judgement, localFacts, type StoreFacts } from './judge.ts';
import { runSql } from './postgres-databases.ts';
import type { Services } from './services/index.ts';

/** A PostgreSQL catalog and an S3 store, read by the drivers' own means. */
export async function judgeCloud(databaseUrl: string, s3: Services['s3'], bucket: string): Promise<Judgement> {
  return compareFacts(await postgresFacts(databaseUrl), await s3Facts(s3, bucket));
}

/** A PostgreSQL catalog and a directory that several hosts share. */
export async function judgeShared(databaseUrl: string, storage: string): Promise<Judgement> {
  return compareFacts(await postgresFacts(databaseUrl), localFacts(storage));
}

async function postgresFacts(url: string): Promise<CatalogFacts> {
  const rows = async <T>(statement: string) => (await runSql(url, statement)) as T[];
  const ids = async (statement: string) => (await rows<{ id: string }>(statement)).map(({ id }) => id);
  return {
    assets: await rows(FACT_QUERIES.assets),
    objects: await rows(FACT_QUERIES.objects),
    uploaded: await ids(FACT_QUERIES.uploaded),
    deleted: await ids(FACT_QUERIES.deleted),
  };
}

async function s3Facts(service: Services['s3'], bucket: string): Promise<StoreFacts> {
  const { url: endpoint, region, accessKeyId, secretAccessKey } = service;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }));
    keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return {
    keys: keys.filter((key) => key !== '.asset-cli.json'),
    async read(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
  };
}
