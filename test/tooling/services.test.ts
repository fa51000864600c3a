import pg from 'pg';
import { expect, test } from 'vitest';
import { EICAR } from '../support/services/clamd.ts';
import { createBucket, createDatabase, describeWithService } from '../support/services/index.ts';
import { askOverTcp } from '../support/services/server.ts';

await describeWithService('postgres', 'PostgreSQL', () => {
  test('gives each test an empty database of its own', async () => {
    const client = new pg.Client({ connectionString: await createDatabase() });
    await client.connect();
    const { rows } = await client.query("SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'");
    await client.end();
    expect(rows).toEqual([{ n: 0 }]);
  });
});

await describeWithService('s3', 'S3', (s3) => {
  test('refuses what is not signed', async () => {
    const bucket = await createBucket('s3');
    expect((await fetch(`${s3.url}/${bucket}`)).status).toBe(403);
  });
});

await describeWithService('azure', 'Azure', (azure) => {
  test('refuses what is not signed', async () => {
    const container = await createBucket('azure');
    expect((await fetch(`${azure.url}/${container}?restype=container`)).status).toBe(403);
  });
});

await describeWithService('gcs', 'Google Cloud Storage', (gcs) => {
  test('makes buckets', async () => {
    const bucket = await createBucket('gcs');
    expect((await fetch(`${gcs.url}/storage/v1/b/${bucket}`)).status).toBe(200);
  });
});

await describeWithService('clamd', 'ClamAV', (clamd) => {
  test('finds the test virus in a stream', async () => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(EICAR.length);
    const request = `zINSTREAM\0${size.toString('latin1')}${EICAR}\0\0\0\0`;
    expect(await askOverTcp(clamd.port, request)).toContain('FOUND');
  });
});

await describeWithService('toxiproxy', 'toxiproxy', (toxiproxy) => {
  test('answers', async () => {
    expect(await (await fetch(`${toxiproxy.url}/proxies`)).json()).toEqual({});
  });
});
