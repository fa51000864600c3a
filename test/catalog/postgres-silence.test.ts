import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { freshOrganization, person, storeAssets } from '../support/catalog-uploads.ts';
import { runSql } from '../support/postgres-databases.ts';
import { runProgram } from '../support/program.ts';
import { service } from '../support/services/index.ts';
import { postgres, startPostgres } from '../support/services/postgres.ts';
import { temporaryFolder } from '../support/services/server.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const isMissing = 'skip' in (await service('postgres'));
const DEADLINE = 3000;
/** What a busy machine may add; without the deadline each statement would wait two minutes. */
const SLACK = 60_000;

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
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const thaw = () => {
      for (const pid of pids.splice(0)) process.kill(pid, 'SIGCONT');
    };
    onTestFinished(thaw);
    return thaw;
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

  it('ends a command with exit 8 soon after its deadline', async () => {
    const home = await temporaryDirectory();
    const run = () => runProgram(home, ['list', '--database', url], { env: { PGCONNECT_TIMEOUT: '3' } });
    expect(await run()).toMatchObject({ code: 0 });
    await freeze();
    const spent = await timed(async () => expect(await run()).toMatchObject({ code: 8 }));
    expect(spent).toBeLessThan(DEADLINE + SLACK);
  });
});
