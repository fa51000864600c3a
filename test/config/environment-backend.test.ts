import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { BackendSettings, Environment } from '../../src/config/settings.ts';
import { createDesk } from '../support/settings.ts';

const CONNECTION = 'AccountName=acme;AccountKey=a2V5';

const cases: [env: Environment, expected: Partial<BackendSettings> & Record<string, unknown>][] = [
  [
    { STORAGE_PROVIDER: 'LOCAL', LOCAL_STORAGE_PATH: '/srv/assets' },
    { provider: 'LOCAL', path: '/srv/assets' },
  ],
  [{ LOCAL_STORAGE_PATH: '/srv/assets' }, { provider: 'LOCAL', path: '/srv/assets' }],
  [
    { STORAGE_PROVIDER: 'LOCAL', ASSET_CLI_HOME: '/data' },
    { provider: 'LOCAL', path: '/data/storage' },
  ],
  [
    { STORAGE_PROVIDER: 'GCS', GCS_BUCKET_NAME: 'acme', GCS_CREDENTIALS_PATH: '/keys/gcs.json' },
    { provider: 'GOOGLE_CLOUD_STORAGE', bucket: 'acme', credentialsFile: '/keys/gcs.json' },
  ],
  [
    { STORAGE_PROVIDER: 'GCS', GCS_BUCKET_NAME: 'acme' },
    { provider: 'GOOGLE_CLOUD_STORAGE', bucket: 'acme' },
  ],
  [
    { STORAGE_PROVIDER: 'S3', S3_BUCKET_NAME: 'acme', S3_ENDPOINT: 'http://127.0.0.1:9000' },
    { provider: 'AWS_S3', bucket: 'acme', endpoint: 'http://127.0.0.1:9000', forcePathStyle: true },
  ],
  [
    { STORAGE_PROVIDER: 'S3', S3_BUCKET_NAME: 'acme' },
    { provider: 'AWS_S3', bucket: 'acme' },
  ],
  [
    { STORAGE_PROVIDER: 'AZURE', AZURE_CONTAINER_NAME: 'c', AZURE_STORAGE_ACCOUNT: 'acme' },
    { provider: 'AZURE_BLOB', container: 'c', account: 'acme' },
  ],
  [
    { STORAGE_PROVIDER: 'AZURE', AZURE_CONTAINER_NAME: 'c', AZURE_STORAGE_CONNECTION_STRING: CONNECTION },
    { provider: 'AZURE_BLOB', container: 'c', connectionString: CONNECTION },
  ],
];

test.each(cases)('%o defines the backend "default"', async (env, expected) => {
  const desk = await createDesk();
  const { backends, defaultBackend } = await desk.settings({ env });
  expect(defaultBackend).toBe('default');
  expect([...backends.values()]).toEqual([{ name: 'default', ...expected }]);
});

test('a relative LOCAL_STORAGE_PATH counts from the working directory', async () => {
  const desk = await createDesk();
  const { backends } = await desk.settings({ env: { LOCAL_STORAGE_PATH: 'storage' } });
  expect(backends.get('default')).toMatchObject({ path: join(desk.cwd, 'storage') });
});

test('a file that defines "default" goes first', async () => {
  const desk = await createDesk();
  await desk.write('asset-cli.config.yaml', 'backends: { default: { provider: LOCAL, path: /from/file } }');
  const { backends } = await desk.settings({ env: { STORAGE_PROVIDER: 'GCS', GCS_BUCKET_NAME: 'acme' } });
  expect(backends.get('default')).toMatchObject({ provider: 'LOCAL', path: '/from/file' });
});

test('beside other backends of a file it is one more, and not where uploads go', async () => {
  const desk = await createDesk();
  await desk.write('asset-cli.config.yaml', 'backends: { reports: { provider: LOCAL, path: /reports } }');
  const { backends, defaultBackend } = await desk.settings({ env: { LOCAL_STORAGE_PATH: '/srv/assets' } });
  expect([...backends.keys()]).toEqual(['reports', 'default']);
  expect(defaultBackend).toBe('reports');
});

test('the variables of a provider that was not chosen define nothing', async () => {
  const desk = await createDesk();
  const { backends } = await desk.settings({ env: { GCS_BUCKET_NAME: 'acme', S3_BUCKET_NAME: 'acme' } });
  expect([...backends.keys()]).toEqual(['local']);
});

test.each(['AccountName=acme;AccountKey=%', 'BlobEndpoint=nowhere;AccountName=acme;AccountKey=c2VjcmV0'])(
  'a connection string that is none is refused by its variable or its key, and never shown: %s',
  async (connection) => {
    const env = { STORAGE_PROVIDER: 'AZURE', AZURE_CONTAINER_NAME: 'abc', AZURE_STORAGE_CONNECTION_STRING: connection };
    const desk = await createDesk();
    const byVariable = await desk.settings({ env }).catch((error: unknown) => error);
    expect(byVariable).toMatchObject({ message: expect.stringMatching(/^AZURE_STORAGE_CONNECTION_STRING/) });
    await desk.write(
      'asset-cli.config.yaml',
      `backends: { a: { provider: AZURE_BLOB, container: abc, connectionString: "\${ASSET_CLI_C}" } }`,
    );
    const byKey = await desk.settings({ env: { ASSET_CLI_C: connection } }).catch((error: unknown) => error);
    expect(byKey).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('connectionString') });
    expect(String(byVariable) + String(byKey)).not.toContain('acme');
  },
);
