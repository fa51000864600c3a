import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { postgres } from '../support/services/postgres.ts';
import type { Benchmark, BenchOptions, Figure } from './benchmark.ts';
import { environment } from './compare.ts';
import { runCli } from './run-cli.ts';
import { preparedStore } from './stores.ts';

const LONGEST_WAIT_SECONDS = 0.05;
const SAMPLE_MILLISECONDS = 3;
const LONG_AGO = '2020-01-01T00:00:00.000Z';
const CHANGES_AT_ONCE = 40;

/** Waits for a lock of whoever is not the purge, by how long each has lasted when it was seen. */
const WAITS = `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0)::float8 AS wait
  FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name <> 'purge'`;

export const purgeWaits: Benchmark = {
  name: 'purge-waits',
  target: 'while a purge runs on PostgreSQL, no lock wait of another command lasts above 50 ms',
  async run(options) {
    const started = await postgres.start();
    if (started === null) throw new Error(`no PostgreSQL: ${postgres.install}`);
    const folder = join(options.folder, 'purge-waits');
    try {
      return [await measure(options, folder, started.service.url)];
    } finally {
      await started.server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function measure(options: BenchOptions, folder: string, database: string): Promise<Figure> {
  const saved = await preparedStore(options.folder, 'expired', { assets: options.purged, expireAll: LONG_AGO });
  rmSync(folder, { recursive: true, force: true });
  cpSync(saved, folder, { recursive: true, preserveTimestamps: true });
  const env = environment(options, { PGAPPNAME: 'change' });
  const cli = (args: string[], changes = {}) =>
    runCli(
      [...args, '--config', join(folder, 'config.yaml')],
      { ...env, ...changes },
      // An asset that the purge took first is no longer there: 4, or 9 among others that are.
      args[0] === 'extend' ? [0, 4, 9] : [0],
    );
  const backup = join(folder, 'backup.jsonl');
  await cli(['db', 'backup', backup]);
  writeFileSync(join(folder, 'config.yaml'), configuration(database), { mode: 0o600 });
  await cli(['db', 'restore', backup, '--yes']);
  await cli(['doctor', '--adopt', 'local', '--yes']);
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  try {
    let isPurging = true;
    const purge = cli(['purge-expired', '--all-orgs', '--yes', '--json'], { PGAPPNAME: 'purge' }).finally(() => {
      isPurging = false;
    });
    const [worst] = await Promise.all([sample(client, () => isPurging), change(database, cli, () => isPurging), purge]);
    return {
      name: `longest wait beside a purge of ${options.purged}`,
      yardstick: '50 ms',
      value: worst,
      yardstickValue: LONGEST_WAIT_SECONDS,
      ratio: worst / LONGEST_WAIT_SECONDS,
      maxRatio: 1,
    };
  } finally {
    await client.end();
  }
}

function configuration(database: string): string {
  return `database: ${database}
backends: { local: { provider: LOCAL, path: ./storage } }
identity: { organization: default, role: operator }
`;
}

async function sample(client: pg.Client, goesOn: () => boolean): Promise<number> {
  let worst = 0;
  while (goesOn()) {
    const { rows } = await client.query<{ wait: number }>(WAITS);
    worst = Math.max(worst, rows[0]?.wait ?? 0);
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MILLISECONDS));
  }
  return worst;
}

/** Commands that want what the purge is about to take: the longest due. */
async function change(database: string, cli: (args: string[]) => Promise<void>, goesOn: () => boolean): Promise<void> {
  const client = new pg.Client({ connectionString: database, application_name: 'bench' });
  await client.connect();
  try {
    while (goesOn()) {
      const { rows } = await client.query<{ id: string }>(
        `SELECT id FROM assets WHERE organization_id = 'default' AND expires_at < now()
         ORDER BY expires_sort, created_at, id LIMIT ${CHANGES_AT_ONCE} OFFSET 200`,
      );
      if (rows.length === 0) return;
      await cli(['extend', ...rows.map(({ id }) => id), '--expires-in', '52w', '--json']);
    }
  } finally {
    await client.end();
  }
}
