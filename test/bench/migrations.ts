import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AccountSASPermissions, BlobServiceClient } from '@azure/storage-blob';
import { startAzure } from '../support/services/azure.ts';
import type { AzureService, GcsService, S3Service } from '../support/services/definitions.ts';
import { findBinary } from '../support/services/find-binary.ts';
import { gcs } from '../support/services/gcs.ts';
import { s3 } from '../support/services/s3.ts';
import type { Benchmark, BenchOptions, Figure } from './benchmark.ts';
import { ASSET_CLI, compare, dataFolder, environment, quote } from './compare.ts';
import { writeLargeFile } from './large-file.ts';
import { runShell } from './time-commands.ts';
import { writeFiles } from './upload-many.ts';

const MIB = 2 ** 20;
const LARGE_FILES = 8;
const SERVER_SIDE_GAIN = 3;

export const migrateMany: Benchmark = {
  name: 'migrate-many',
  target:
    '5,000 files of 10 KiB move from S3 to GCS and from LOCAL to S3 at least as fast as rclone copy --checksum --transfers 16 copies them, in less than 250 MiB',
  missing,
  run: (options) => withStores(options, (stores) => measureMany(stores, { ...options, files: options.files / 2 })),
};

export const migrateLarge: Benchmark = {
  name: 'migrate-large',
  target:
    '8 files of 256 MiB move from S3 to Azure at least as fast as rclone copies them, in less than 250 MiB; within S3 at least 3 × as fast as through us',
  missing,
  run: (options) => withStores(options, (stores) => measureLarge(stores, options)),
};

function missing(): string | undefined {
  return findBinary('rclone') === undefined ? 'rclone is missing; get it with: apt-get install rclone' : undefined;
}

interface Stores {
  env: Record<string, string>;
  config: string;
}

async function withStores(options: BenchOptions, measure: (stores: Stores) => Figure[]): Promise<Figure[]> {
  // Large files, moved again and again, are more than memory holds.
  const running = await Promise.all([s3.start(), gcs.start(), startAzure({ keeps: 'disk' })]);
  const [onS3, onGcs, onAzure] = running;
  try {
    if (onS3 === null || onGcs === null) {
      throw new Error(`no servers: ${s3.install}; ${gcs.install}`);
    }
    const stores = configure(options, onS3.service, onGcs.service, onAzure.service);
    for (const bucket of BUCKETS) runShell(`rclone mkdir ${bucket}`, stores.env);
    return measure(stores);
  } finally {
    await Promise.all(running.map((each) => each?.server.stop()));
    rmSync(join(options.folder, 'home'), { recursive: true, force: true });
  }
}

const OWN_BUCKETS = ['s3:source', 's3:target', 'gcs:target', 'azure:target'];
const BUCKETS = [...OWN_BUCKETS, 's3:rclone', 'gcs:rclone', 'azure:rclone'];

function configure(options: BenchOptions, onS3: S3Service, onGcs: GcsService, onAzure: AzureService): Stores {
  const { url: endpoint, region } = onS3;
  const aws = { provider: 'AWS_S3', endpoint, region, forcePathStyle: true };
  const credentialsFile = join(import.meta.dirname, '../../fixtures/gcs-v4-signing/service-account.json');
  const backends = {
    local: { provider: 'LOCAL', path: join(dataFolder(options), 'storage') },
    source: { ...aws, bucket: 'source' },
    s3: { ...aws, bucket: 'target' },
    gcs: { provider: 'GOOGLE_CLOUD_STORAGE', bucket: 'target', apiEndpoint: onGcs.url, credentialsFile },
    azure: { provider: 'AZURE_BLOB', container: 'target', connectionString: `\${ASSET_CLI_AZURE}` },
  };
  const folder = join(options.folder, 'home/config/asset-cli');
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'config.json');
  const limits = { maxFileSize: `${options.largeFileBytes + MIB}` };
  writeFileSync(config, JSON.stringify({ defaultBackend: 'local', backends, limits }), { mode: 0o600 });
  const env = environment(options, {
    ASSET_CLI_AZURE: onAzure.connectionString,
    AWS_ACCESS_KEY_ID: onS3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: onS3.secretAccessKey,
    RCLONE_CONFIG_S3_TYPE: 's3',
    RCLONE_CONFIG_S3_PROVIDER: 'Other',
    RCLONE_CONFIG_S3_ENV_AUTH: 'true',
    RCLONE_CONFIG_S3_REGION: region,
    RCLONE_CONFIG_S3_ENDPOINT: endpoint,
    RCLONE_CONFIG_GCS_TYPE: 'google cloud storage',
    RCLONE_CONFIG_GCS_ANONYMOUS: 'true',
    RCLONE_CONFIG_GCS_PROJECT_NUMBER: 'bench',
    RCLONE_CONFIG_GCS_ENDPOINT: `${onGcs.url}/storage/v1/`,
    RCLONE_CONFIG_AZURE_TYPE: 'azureblob',
    RCLONE_CONFIG_AZURE_SAS_URL: accountSas(onAzure),
  });
  return { env, config };
}

/** rclone names an account's host after it, unless an address says otherwise. */
function accountSas({ connectionString }: AzureService): string {
  const tomorrow = new Date(Date.now() + 86_400_000);
  return BlobServiceClient.fromConnectionString(connectionString).generateAccountSasUrl(
    tomorrow,
    AccountSASPermissions.parse('rwdlac'),
    'sco',
  );
}

const TRANSFERS = 16;

function measureMany(stores: Stores, options: BenchOptions): Figure[] {
  const files = writeFiles(options);
  const limits = { maxRatio: 1, maxPeakMemory: 250 * MIB };
  const pairs = [
    { from: 'source', to: 'gcs', copy: rcloneCopy('s3:source', 'gcs:rclone') },
    { from: 'local', to: 's3', copy: rcloneCopy(quote(files), 's3:rclone') },
  ];
  return pairs.flatMap(({ from, to, copy }) =>
    compare(
      options,
      {
        yardstick: copy,
        ...limits,
        commands: [
          {
            name: `migrate of ${options.files}: ${from} to ${to}`,
            command: migrate(stores, from, to),
            prepare: filled(stores, options, files, from),
          },
        ],
      },
      stores.env,
    ),
  );
}

function measureLarge(stores: Stores, options: BenchOptions): Figure[] {
  const size = options.largeFileBytes / LARGE_FILES;
  const files = join(options.folder, 'large');
  mkdirSync(files, { recursive: true });
  for (let index = 0; index < LARGE_FILES; index += 1) {
    writeLargeFile({ ...options, largeFileBytes: size }, join(files, `${index}.jpg`));
  }
  const prepare = filled(stores, options, files, 'source');
  const name = `migrate of ${LARGE_FILES} large: S3 to`;
  const toAzure = { name: `${name} Azure`, command: migrate(stores, 'source', 'azure'), prepare };
  const within = { name: `${name} S3`, command: migrate(stores, 'source', 's3'), prepare };
  const through = {
    name: 'through us: --server-side never',
    command: `${migrate(stores, 'source', 's3')} --server-side never`,
    prepare,
  };
  const figures = [
    ...compare(
      options,
      {
        yardstick: rcloneCopy('s3:source', 'azure:rclone'),
        maxRatio: 1,
        maxPeakMemory: 250 * MIB,
        commands: [toAzure],
      },
      stores.env,
    ),
    ...compare(options, { yardstick: through, maxRatio: 1 / SERVER_SIDE_GAIN, commands: [within] }, stores.env),
  ];
  rmSync(files, { recursive: true, force: true });
  return figures;
}

function rcloneCopy(from: string, to: string): { name: string; command: string; prepare: string } {
  return {
    name: `rclone copy --transfers ${TRANSFERS}`,
    command: `rclone copy --checksum --transfers ${TRANSFERS} ${from} ${to}`,
    prepare: emptied(to),
  };
}

/** The sources stay, as with rclone's copy. */
function migrate({ config }: Stores, from: string, to: string): string {
  return `${ASSET_CLI} migrate --config ${quote(config)} --from ${from} --to ${to} --keep-source --yes --quiet`;
}

/** A fresh catalog with the files in one of its stores, and nothing in the others. */
function filled({ config }: Stores, options: BenchOptions, files: string, backend: string): string {
  const fresh = [`rm -rf ${quote(dataFolder(options))}`, ...OWN_BUCKETS.map(emptied)];
  const upload = `${ASSET_CLI} upload ${quote(files)} --config ${quote(config)} --backend ${backend} --quiet > /dev/null`;
  return [...fresh, upload].join(' && ');
}

function emptied(bucket: string): string {
  return `rclone purge ${bucket} 2> /dev/null; rclone mkdir ${bucket}`;
}
