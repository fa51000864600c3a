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
import { runShell, type TimedCommand } from './time-commands.ts';
import { writeFiles } from './upload-many.ts';

const MIB = 2 ** 20;
const LARGE_FILES = 8;
const SERVER_SIDE_GAIN = 3;
const AS_RCLONE = 'at least as fast as rclone copy --checksum --transfers 16 copies them, in less than 250 MiB';

export const migrateManyS3: Benchmark = {
  name: 'migrate-many-s3',
  target: `5,000 files of 10 KiB move from S3 to GCS ${AS_RCLONE}`,
  missing,
  run: (options) =>
    withStores(options, ['gcs'], (stores) => {
      const copy = rcloneCopy('s3:source', 'gcs:rclone');
      return measureMany(stores, halved(options), { from: 'source', to: 'gcs', copy: () => copy });
    }),
};

export const migrateManyLocal: Benchmark = {
  name: 'migrate-many-local',
  target: `5,000 files of 10 KiB move from LOCAL to S3 ${AS_RCLONE}`,
  missing,
  run: (options) =>
    withStores(options, [], (stores) => {
      const copy = (files: string) => rcloneCopy(quote(files), 's3:rclone');
      return measureMany(stores, halved(options), { from: 'local', to: 's3', copy });
    }),
};

export const migrateLarge: Benchmark = {
  name: 'migrate-large',
  target:
    '8 files of 256 MiB move from S3 to Azure at least as fast as rclone copies them, in less than 250 MiB; within S3 at least 3 × as fast as through us',
  missing,
  run: (options) => withStores(options, ['azure'], (stores) => measureLarge(stores, options)),
};

function missing(): string | undefined {
  return findBinary('rclone') === undefined ? 'rclone is missing; get it with: apt-get install rclone' : undefined;
}

function halved(options: BenchOptions): BenchOptions {
  return { ...options, files: options.files / 2 };
}

interface Stores {
  env: Record<string, string>;
  config: string;
  /** Whose objects are ours. */
  buckets: readonly string[];
}

type Cloud = 'gcs' | 'azure';

/** With S3 in any case, and those of the others that are wanted. */
async function withStores(
  options: BenchOptions,
  others: readonly Cloud[],
  measure: (stores: Stores) => Figure[],
): Promise<Figure[]> {
  const [onS3, onGcs, onAzure] = await Promise.all([
    s3.start(),
    others.includes('gcs') ? gcs.start() : undefined,
    // Large files, moved again and again, are more than memory holds.
    others.includes('azure') ? startAzure({ keeps: 'disk' }) : undefined,
  ]);
  try {
    if (onS3 === null || onGcs === null) {
      throw new Error(`no servers: ${s3.install}; ${gcs.install}`);
    }
    const stores = configure(options, onS3.service, onGcs?.service, onAzure?.service);
    const theirs = ['s3', ...others].map((cloud) => `${cloud}:rclone`);
    for (const bucket of [...stores.buckets, ...theirs]) runShell(`rclone mkdir ${bucket}`, stores.env);
    return measure(stores);
  } finally {
    await Promise.all([onS3, onGcs, onAzure].map((each) => each?.server.stop()));
    rmSync(join(options.folder, 'home'), { recursive: true, force: true });
  }
}

function configure(options: BenchOptions, onS3: S3Service, onGcs?: GcsService, onAzure?: AzureService): Stores {
  const { url: endpoint, region } = onS3;
  const aws = { provider: 'AWS_S3', endpoint, region, forcePathStyle: true };
  const backends = {
    local: { provider: 'LOCAL', path: join(dataFolder(options), 'storage') },
    source: { ...aws, bucket: 'source' },
    s3: { ...aws, bucket: 'target' },
    ...(onGcs === undefined ? {} : { gcs: gcsBackend(onGcs) }),
    ...(onAzure === undefined ? {} : { azure: AZURE_BACKEND }),
  };
  const folder = join(options.folder, 'home/config/asset-cli');
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'config.json');
  const limits = { maxFileSize: `${options.largeFileBytes + MIB}` };
  writeFileSync(config, JSON.stringify({ defaultBackend: 'local', backends, limits }), { mode: 0o600 });
  const env = environment(options, {
    AWS_ACCESS_KEY_ID: onS3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: onS3.secretAccessKey,
    RCLONE_CONFIG_S3_TYPE: 's3',
    RCLONE_CONFIG_S3_PROVIDER: 'Other',
    RCLONE_CONFIG_S3_ENV_AUTH: 'true',
    RCLONE_CONFIG_S3_REGION: region,
    RCLONE_CONFIG_S3_ENDPOINT: endpoint,
    ...(onGcs === undefined ? {} : gcsEnvironment(onGcs)),
    ...(onAzure === undefined ? {} : azureEnvironment(onAzure)),
  });
  const others = [...(onGcs === undefined ? [] : ['gcs:target']), ...(onAzure === undefined ? [] : ['azure:target'])];
  return { env, config, buckets: ['s3:source', 's3:target', ...others] };
}

const AZURE_BACKEND = { provider: 'AZURE_BLOB', container: 'target', connectionString: `\${ASSET_CLI_AZURE}` };

function gcsBackend({ url }: GcsService): object {
  const credentialsFile = join(import.meta.dirname, '../../fixtures/gcs-v4-signing/service-account.json');
  return { provider: 'GOOGLE_CLOUD_STORAGE', bucket: 'target', apiEndpoint: url, credentialsFile };
}

function gcsEnvironment({ url }: GcsService): Record<string, string> {
  return {
    RCLONE_CONFIG_GCS_TYPE: 'google cloud storage',
    RCLONE_CONFIG_GCS_ANONYMOUS: 'true',
    RCLONE_CONFIG_GCS_PROJECT_NUMBER: 'bench',
    RCLONE_CONFIG_GCS_ENDPOINT: `${url}/storage/v1/`,
  };
}

function azureEnvironment(service: AzureService): Record<string, string> {
  return {
    ASSET_CLI_AZURE: service.connectionString,
    RCLONE_CONFIG_AZURE_TYPE: 'azureblob',
    RCLONE_CONFIG_AZURE_SAS_URL: accountSas(service),
  };
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

interface Pair {
  from: string;
  to: string;
  copy: (files: string) => TimedCommand;
}

function measureMany(stores: Stores, options: BenchOptions, { from, to, copy }: Pair): Figure[] {
  const files = writeFiles(options);
  const move = {
    name: `migrate of ${options.files}: ${from} to ${to}`,
    command: migrate(stores, from, to),
    prepare: filled(stores, options, files, from),
  };
  const limits = { maxRatio: 1, maxPeakMemory: 250 * MIB };
  return compare(options, { yardstick: copy(files), ...limits, commands: [move] }, stores.env);
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

function rcloneCopy(from: string, to: string): TimedCommand {
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
function filled({ config, buckets }: Stores, options: BenchOptions, files: string, backend: string): string {
  const fresh = [`rm -rf ${quote(dataFolder(options))}`, ...buckets.map(emptied)];
  const upload = `${ASSET_CLI} upload ${quote(files)} --config ${quote(config)} --backend ${backend} --quiet > /dev/null`;
  return [...fresh, upload].join(' && ');
}

function emptied(bucket: string): string {
  return `rclone purge ${bucket} 2> /dev/null; rclone mkdir ${bucket}`;
}
