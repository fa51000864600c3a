import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { createDesk } from '../support/settings.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/config');

test('every key of a file gets into the settings', async () => {
  const env = {
    HOME: '/home/ada',
    ASSET_CLI_DATABASE_PASSWORD: 'geheim',
    ASSET_CLI_SIGNING_KEY: 's'.repeat(32),
    ASSET_CLI_SPARE: 'AccountName=a;AccountKey=b',
  };
  const { settings } = await loadSettings({ flags: { config: 'complete.yaml' }, env, cwd: FOLDER });
  expect({ ...settings, backends: [...settings.backends.values()] }).toEqual({
    database: { engine: 'postgres', url: 'postgres://assets:geheim@db.internal/assets' },
    defaultBackend: 'reports',
    backends: [
      { name: 'local', provider: 'LOCAL', path: join(FOLDER, 'storage') },
      {
        name: 'reports',
        provider: 'AWS_S3',
        bucket: 'acme-reports',
        region: 'eu-west-1',
        endpoint: 'https://s3.internal:9000',
        forcePathStyle: true,
        prefix: 'assets',
        profile: 'archive',
      },
      {
        name: 'legacy',
        provider: 'GOOGLE_CLOUD_STORAGE',
        bucket: 'acme-legacy',
        credentialsFile: join(FOLDER, 'gcs.json'),
        apiEndpoint: 'http://127.0.0.1:4443',
        projectId: 'acme',
        prefix: 'old/reports',
      },
      {
        name: 'archive',
        provider: 'AZURE_BLOB',
        account: 'acme',
        container: 'archive',
        endpoint: 'https://blobs.internal/acme',
        prefix: 'a',
      },
      { name: 'spare', provider: 'AZURE_BLOB', container: 'spare', connectionString: 'AccountName=a;AccountKey=b' },
    ],
    identity: { user: 'ci', organization: 'acme', role: 'member' },
    limits: { maxFileSize: 2_000_000_000, allowedMimeTypes: new Set(['application/pdf', 'text/html']) },
    assetTypes: expect.arrayContaining(['INVOICE']),
    content: {
      images: new Map([
        ['USER_AVATAR', { maxWidth: 256, maxHeight: 512, format: 'webp', quality: 82 }],
        ['PROJECT_LOGO', { maxWidth: 1024, maxHeight: 1024, format: 'keep', quality: 82 }],
        ['INVOICE', { maxWidth: null, maxHeight: 2000, format: 'keep', quality: 90 }],
      ]),
      compress: false,
      cdnDomains: new Map([
        ['reports', 'cdn.example.com/assets'],
        ['legacy', 'old.example.com'],
      ]),
    },
    timeouts: { connect: 5000, deadline: 120_000 },
    leases: { duration: 45_000 },
    retention: new Map([
      ['EXPORT_FILE', 30 * 86_400_000],
      ['INVOICE', 520 * 7 * 86_400_000],
    ]),
    trash: { enabled: true, retention: 14 * 86_400_000 },
    scan: { mode: 'required', clamd: { host: 'clamd.internal', port: 3311 }, configured: true },
    serve: {
      publicUrl: 'https://assets.example.com',
      signingKeys: ['s'.repeat(32), 'former-key-of-at-least-32-characters'],
      rateLimit: 600,
      corsOrigins: ['https://app.example.com'],
    },
    dataDirectory: '/home/ada/.local/share/asset-cli',
    sources: {
      configFile: join(FOLDER, 'complete.yaml'),
      foundInWorkingDirectory: false,
      database: 'file',
      defaultBackend: 'file',
    },
  });
});

test('JSON, indented with tabs, is read the same', async () => {
  const { settings } = await loadSettings({
    flags: { config: 'complete.json' },
    env: { HOME: '/home/ada' },
    cwd: FOLDER,
  });
  expect(settings).toMatchObject({
    database: { path: join(FOLDER, 'assets.db') },
    identity: { user: null, organization: 'acme', role: 'admin' },
    limits: { maxFileSize: 1_048_576 },
  });
});

test('relative paths count from the file, those of flags from the working directory, ~ is the home directory', async () => {
  const desk = await createDesk();
  const text = [
    'database: sqlite:data/a.db',
    'defaultBackend: a',
    'backends: { a: { provider: LOCAL, path: a }, b: { provider: LOCAL, path: ~/b }, c: { provider: LOCAL, path: /c } }',
  ];
  const file = await desk.write('conf/own.yaml', text.join('\n'));
  const settings = await desk.settings({ flags: { config: file } });
  expect(settings.database).toMatchObject({ path: join(desk.cwd, 'conf/data/a.db') });
  const paths = [...settings.backends.values()].map((backend) => backend.provider === 'LOCAL' && backend.path);
  expect(paths).toEqual([join(desk.cwd, 'conf/a'), join(desk.home, 'b'), '/c']);
  const flagged = await desk.settings({ flags: { config: file, database: 'sqlite:b.db' } });
  expect(flagged.database).toMatchObject({ path: join(desk.cwd, 'b.db') });
});
