import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { freshOrganization, person, storeAssets } from '../support/catalog-uploads.ts';
import { runSql, withDatabase } from '../support/postgres-databases.ts';
import { finished, runProgram, startProgram } from '../support/program.ts';
import { service } from '../support/services/index.ts';
import { postgres, startPostgres } from '../support/services/postgres.ts';
import { temporaryFolder } from '../support/services/server.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const isMissing = 'skip' in (await service('postgres'));
const DEADLINE = 3000;
/** What a busy machine may add; without the deadline each statement would wait two minutes. */
const SLACK = 60_000;
const IN_TRANSACTION =
  "select 1 from pg_stat_activity where application_name like 'asset-cli/%' and state = 'idle in transaction'";

describe.skipIf(isMissing && process.env['CI'] !== 'true')('PostgreSQL that falls silent', () => {
  let url: string;
  let main: number;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    const folder = await temporaryFolder('postgres-silence');
    const data = join(folder, 'data');
    const started = await startPostgres({ data });
    if (started === null) throw new Error(postgres.install);
    url = started.service.url;
    stop = async () => {
      await started.server.stop();
      await rm(folder, { recursive: true, force: true });
    };
    main = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  });
  afterAll(() => stop());

  /** Connections stay open, and new ones are taken by the system, but nobody answers; goes on with the test's end. */
  async function freeze(): Promise<() => void> {
    const rows = await runSql(url, 'select pid from pg_stat_activity where pid <> pg_backend_pid()');
    const pids = [main, ...rows.map(({ pid }) => Number(pid))];
    for (const pid of pids) signal(pid, 'SIGSTOP');
    const thaw = () => {
      for (const pid of pids.splice(0)) signal(pid, 'SIGCONT');
    };
    onTestFinished(thaw);
    return thaw;
  }

  /** Some of the server's processes end by themselves. */
  function signal(pid: number, name: NodeJS.Signals): void {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  async function timed(work: () => Promise<unknown>): Promise<number> {
    const start = performance.now();
    await work();
    return performance.now() - start;
  }

  const store = (catalog: Catalog) => storeAssets(catalog, person(freshOrganization()), [{}]);
  const options = { lockTimeout: DEADLINE, deadline: DEADLINE, migrate: 'auto' } as const;

  it('is given up at the deadline, once for all that a command asks of it', async () => {
    const catalog = await openCatalog(url, options);
    await store(catalog);
    await freeze();
    const spent = await timed(async () => {
      for (let count = 0; count < 3; count += 1) {
        await expect(store(catalog)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      }
      await catalog.close();
    });
    expect(spent).toBeGreaterThanOrEqual(DEADLINE);
    expect(spent).toBeLessThan(DEADLINE + SLACK);
  });

  it('is waited for as long as the deadline lasts', async () => {
    const catalog = await openCatalog(url, options);
    const thaw = await freeze();
    const waiting = store(catalog);
    await sleep(1000);
    thaw();
    await waiting;
    await catalog.close();
  });

  it('is tried anew when it answers again', async () => {
    const catalog = await openCatalog(url, options);
    const thaw = await freeze();
    await expect(store(catalog)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    thaw();
    await store(catalog);
    await catalog.close();
  });

  it.each([
    ['makes the schema', false],
    ['restores a backup', true],
  ])(
    'ends a command that %s with exit 8 soon after its deadline',
    async (_what, schemaIsMade) => {
      const home = await temporaryDirectory();
      writeFileSync(join(home, 'asset-cli.config.json'), '{"timeouts":{"deadline":"10s"}}', { mode: 0o600 });
      await runProgram(home, ['upload', '-', '--name', 'a.txt'], { input: 'text' });
      await runProgram(home, ['db', 'backup', 'b.jsonl']);
      const [header = '', ...rows] = readFileSync(join(home, 'b.jsonl'), 'utf8').split('\n');
      const name = `restored_${schemaIsMade}`;
      await runSql(url, `create database ${name}`);
      const target = withDatabase(url, name);
      if (schemaIsMade)
        expect(await runProgram(home, ['db', 'migrate', '--role', 'operator', '--database', target])).toMatchObject({
          code: 0,
        });
      const args = ['db', 'restore', '-', '--yes', '--role', 'operator', '--database', target];
      const restore = startProgram(home, args);
      const ended = finished(restore);
      restore.stdin?.write(`${header}\n`);
      while ((await runSql(url, IN_TRANSACTION)).length === 0) {
        expect(restore.exitCode, 'it ended before it had begun its transaction').toBeNull();
        await sleep(1);
      }
      await freeze();
      const spent = await timed(async () => {
        restore.stdin?.end(rows.join('\n'));
        expect(await ended).toMatchObject({ code: 8, stderr: expect.stringContaining('does not answer in time') });
      });
      expect(spent).toBeLessThan(10_000 + SLACK);
    },
    120_000,
  );

  it('ends a command that begins with exit 8 soon after its deadline', async () => {
    const home = await temporaryDirectory();
    const run = () => runProgram(home, ['list', '--database', url], { env: { PGCONNECT_TIMEOUT: '3' } });
    expect(await run()).toMatchObject({ code: 0 });
    await freeze();
    const spent = await timed(async () => expect(await run()).toMatchObject({ code: 8 }));
    expect(spent).toBeLessThan(DEADLINE + SLACK);
  });
});
