import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSize } from '../../src/core/size.ts';
import { type Benchmark, type BenchOptions, type Figure, isMet } from './benchmark.ts';
import { catalogReads } from './catalog-reads.ts';
import { largeFile } from './large-file.ts';
import { migrateLarge, migrateManyLocal, migrateManyS3 } from './migrations.ts';
import { photographs } from './photographs.ts';
import { postgresReads } from './postgres-reads.ts';
import { postgresUpload } from './postgres-upload.ts';
import { purgeLocal } from './purge-local.ts';
import { purgeWaits } from './purge-waits.ts';
import { s3Delete, s3Large, s3Many, s3Purge } from './s3-transfers.ts';
import { scanAll } from './scan-all.ts';
import { serveFiles, serveLarge, serveSoak, serveUploads } from './serve.ts';
import { startup } from './startup.ts';
import { formatFigures } from './table.ts';
import { uploadCompressed, uploadMany } from './upload-many.ts';
import { verifyLocal } from './verify-local.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BENCHMARKS: readonly Benchmark[] = [
  startup,
  catalogReads,
  uploadMany,
  uploadCompressed,
  photographs,
  largeFile,
  purgeLocal,
  purgeWaits,
  postgresReads,
  postgresUpload,
  verifyLocal,
  scanAll,
  s3Many,
  s3Large,
  s3Delete,
  s3Purge,
  migrateManyS3,
  migrateManyLocal,
  migrateLarge,
  serveFiles,
  serveLarge,
  serveUploads,
  serveSoak,
];
const USAGE = `Usage: npm run bench -- [name…] [options]
Names: ${BENCHMARKS.map(({ name }) => name).join(', ')} (all without one;
  migrate-many for all whose names begin so)
  --runs <n>           timings of each command (default 5)
  --warmup <n>         runs of each before, thrown away (default 1)
  --assets <n>         rows of the large catalog (default 1000000)
  --files <n>          files of the bulk upload (default 10000)
  --file-size <size>   size of each (default 10KiB)
  --large-size <size>  size of the large file (default 2GiB)
  --purged <n>         assets that a purge removes (default 100000)
  --postgres-assets <n>  rows of the large catalog on PostgreSQL (default 5000000)
  --http-seconds <n>   seconds of load on a server (default 5)
  --soak-seconds <n>   seconds under hundreds of clients (default 60)
  --folder <path>      where to work (default .cache/bench)
  --output <file>      where the figures go (default bench-results.json)`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    warmup: { type: 'string', default: '1' },
    assets: { type: 'string', default: '1000000' },
    files: { type: 'string', default: '10000' },
    'file-size': { type: 'string', default: '10KiB' },
    'large-size': { type: 'string', default: '2GiB' },
    purged: { type: 'string', default: '100000' },
    'postgres-assets': { type: 'string', default: '5000000' },
    'http-seconds': { type: 'string', default: '5' },
    'soak-seconds': { type: 'string', default: '60' },
    folder: { type: 'string', default: join(ROOT, '.cache/bench') },
    output: { type: 'string', default: join(ROOT, 'bench-results.json') },
    help: { type: 'boolean', default: false },
  },
});

const unknown = positionals.filter((name) => !BENCHMARKS.some((benchmark) => isCalled(benchmark, name)));
if (values.help || unknown.length > 0) {
  console.error(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  await runAll();
}

async function runAll(): Promise<void> {
  const options: BenchOptions = {
    folder: resolve(values.folder),
    runs: Number(values.runs),
    warmup: Number(values.warmup),
    assets: Number(values.assets),
    files: Number(values.files),
    fileBytes: parseSize(values['file-size']),
    largeFileBytes: parseSize(values['large-size']),
    purged: Number(values.purged),
    postgresAssets: Number(values['postgres-assets']),
    httpSeconds: Number(values['http-seconds']),
    soakSeconds: Number(values['soak-seconds']),
  };
  mkdirSync(options.folder, { recursive: true });
  const results: { name: string; target: string; figures: (Figure & { met: boolean })[] }[] = [];
  for (const benchmark of chosen()) {
    console.log(`\n${benchmark.name}: ${benchmark.target}`);
    const missing = benchmark.missing?.();
    if (missing !== undefined) {
      console.log(`NOT MEASURED: ${missing}`);
      if (positionals.length > 0) process.exitCode = 1;
      continue;
    }
    const figures = await benchmark.run(options);
    console.log(formatFigures(figures));
    const { name, target } = benchmark;
    results.push({ name, target, figures: figures.map((figure) => ({ ...figure, met: isMet(figure) })) });
  }
  const { folder: _, ...sizes } = options;
  const node = process.version;
  writeFileSync(values.output, `${JSON.stringify({ node, sizes, benchmarks: results }, null, 2)}\n`);
}

function chosen(): readonly Benchmark[] {
  return BENCHMARKS.filter(
    (benchmark) => positionals.length === 0 || positionals.some((name) => isCalled(benchmark, name)),
  );
}

function isCalled(benchmark: Benchmark, name: string): boolean {
  return benchmark.name === name || benchmark.name.startsWith(`${name}-`);
}
