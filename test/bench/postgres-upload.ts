import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { openCatalog } from '../../src/catalog/open.ts';
import { runSql, withDatabase } from '../support/postgres-databases.ts';
import { postgres, startPostgres } from '../support/services/postgres.ts';
import { type Benchmark, type BenchOptions, type Figure, limited, median } from './benchmark.ts';
import { ASSET_CLI, environment, quote } from './compare.ts';
import { runCli } from './run-cli.ts';
import { peakMemory, runShell } from './time-commands.ts';
import { PARTS, writeFiles } from './upload-many.ts';

const PROCESSES = 4;
const SAMPLE_MILLISECONDS = 5;
const MOST_WAITING_PERCENT = 5;
const MOST_MEMORY = 200 * 2 ** 20;
/** A rate of at least 0.6 times SQLite's. */
const MOST_TIME_OF_SQLITE = 1 / 0.6;

export const postgresUpload: Benchmark = {
  name: 'postgres-upload',
  target:
    'bulk upload to LOCAL with the catalog on PostgreSQL: at least 0.6 × the rate with SQLite; 4 processes no slower than one, less than 5 % of their time in lock waits',
  async run(options) {
    // As a server keeps it: what is committed survives a power cut.
    const started = await startPostgres({ settings: ['fsync=on', 'shared_buffers=512MB', 'max_wal_size=4GB'] });
    if (started === null) throw new Error(`no PostgreSQL: ${postgres.install}`);
    const folder = join(options.folder, 'postgres-upload');
    try {
      return await measure(options, folder, started.service.url);
    } finally {
      await started.server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

interface Times {
  sqlite: number[];
  one: number[];
  several: number[];
  /** Percent of the time of several processes. */
  waiting: number[];
}

async function measure(options: BenchOptions, folder: string, adminUrl: string): Promise<Figure[]> {
  const source = writeFiles(options);
  const parts = PARTS.map((part) => join(source, part));
  const shares = Array.from({ length: PROCESSES }, (_, process) =>
    parts.filter((_each, i) => i % PROCESSES === process),
  );
  const times: Times = { sqlite: [], one: [], several: [], waiting: [] };
  // In turn, so that whatever else the machine does meets all of them alike; the first rounds warm up.
  for (let round = 0; round < options.warmup + options.runs; round += 1) {
    const sqlite = await timeUploads(options, prepare(options, folder, `sqlite:${folder}/assets.db`), [parts]);
    const one = await timeUploads(options, prepare(options, folder, await freshDatabase(adminUrl)), [parts]);
    const database = await freshDatabase(adminUrl);
    const configuration = prepare(options, folder, database);
    const { seconds: several, waiting } = await whileSampling(database, () =>
      timeUploads(options, configuration, shares),
    );
    if (round < options.warmup) continue;
    times.sqlite.push(sqlite);
    times.one.push(one);
    times.several.push(several);
    times.waiting.push(waiting);
  }
  const configuration = prepare(options, folder, await freshDatabase(adminUrl));
  const command = `${ASSET_CLI} upload --config ${quote(configuration)} -q ${parts.map(quote).join(' ')}`;
  const peak = peakMemory({ name: 'upload', command }, { env: environment(options), folder: options.folder });
  return toFigures(options, times, peak);
}

function toFigures({ files }: BenchOptions, times: Times, peak: number | undefined): Figure[] {
  const [sqlite, one, several] = [median(times.sqlite), median(times.one), median(times.several)];
  return [
    {
      name: `upload ${files} files, catalog on PostgreSQL`,
      yardstick: 'catalog on SQLite',
      value: one,
      yardstickValue: sqlite,
      ratio: one / sqlite,
      maxRatio: Number(MOST_TIME_OF_SQLITE.toFixed(3)),
      ...(peak === undefined ? {} : { peakMemory: peak, maxPeakMemory: MOST_MEMORY }),
    },
    {
      name: `the same files by ${PROCESSES} processes`,
      yardstick: 'by one process',
      value: several,
      yardstickValue: one,
      ratio: several / one,
      maxRatio: 1,
    },
    limited(`time of ${PROCESSES} processes in lock waits`, 'percent', median(times.waiting), MOST_WAITING_PERCENT),
  ];
}

async function freshDatabase(adminUrl: string): Promise<string> {
  await runSql(adminUrl, 'drop database if exists assets with (force)');
  await runSql(adminUrl, 'create database assets');
  const url = withDatabase(adminUrl, 'assets');
  await (await openCatalog(url, { lockTimeout: 5000, migrate: 'auto' })).close();
  await runSql(adminUrl, 'checkpoint');
  return url;
}

/** An empty store and the configuration that names it and the database. */
function prepare(options: BenchOptions, folder: string, database: string): string {
  runShell(`rm -rf '${folder}' && mkdir -p '${folder}' && sync`, environment(options));
  const file = join(folder, 'config.yaml');
  const store = 'backends: { local: { provider: LOCAL, path: ./storage } }';
  writeFileSync(file, `database: ${database}\n${store}\nidentity: { role: operator }\n`, { mode: 0o600 });
  return file;
}

/** Seconds until all processes, each with its share of the folders, have ended. */
async function timeUploads(
  options: BenchOptions,
  configuration: string,
  shares: readonly (readonly string[])[],
): Promise<number> {
  const env = environment(options);
  const start = performance.now();
  await Promise.all(shares.map((paths) => runCli(['upload', '--config', configuration, '-q', ...paths], env)));
  return (performance.now() - start) / 1000;
}

/** How much of the processes' time their sessions waited for locks, in percent. */
async function whileSampling(url: string, work: () => Promise<number>): Promise<{ seconds: number; waiting: number }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let goesOn = true;
  const working = work().finally(() => {
    goesOn = false;
  });
  let [samples, waits] = [0, 0];
  while (goesOn) {
    const { rows } = await client.query<{ waits: number }>(
      `select count(*)::int as waits from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    );
    samples += 1;
    waits += rows[0]?.waits ?? 0;
    await pause(SAMPLE_MILLISECONDS);
  }
  const seconds = await working;
  await client.end();
  return { seconds, waiting: samples === 0 ? 0 : (100 * waits) / (samples * PROCESSES) };
}
