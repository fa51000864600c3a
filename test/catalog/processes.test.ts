import { once } from 'node:events';
import { chownSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/open.ts';
import { freshOrganization, person, storeAssets, upload } from '../support/catalog-uploads.ts';
import { runSql } from '../support/postgres-databases.ts';
import { runProgram } from '../support/program.ts';
import { findBinary } from '../support/services/find-binary.ts';
import { createCatalogDatabase, createDatabase, describeWithService } from '../support/services/index.ts';
import { freePort, startServer, temporaryFolder } from '../support/services/server.ts';
import { querySqlite } from '../support/sqlite-databases.ts';
import { requireTool } from '../support/tools.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const PROCESSES = 20;
const NOBODY = 65534;

/** Starts the built program many times at once on an empty database; each must succeed. */
async function startTogether(home: string, url: string): Promise<void> {
  const args = ['db', 'migrate', '--json', '--role', 'operator', '--database', url];
  const results = await Promise.all(Array.from({ length: PROCESSES }, () => runProgram(home, args)));
  for (const result of results) expect(result, result.stderr).toMatchObject({ code: 0, stderr: '' });
}

describe('many processes at once on an empty SQLite database', () => {
  it('make its schema once', async () => {
    const home = await temporaryDirectory();
    const url = `sqlite:${join(home, 'new', 'assets.db')}`;
    await startTogether(home, url);
    expect(await querySqlite(url, 'select count(*) as n from catalog')).toEqual([{ n: 1 }]);
  });
});

await describeWithService('postgres', 'many processes at once on an empty PostgreSQL database', () => {
  it('make its schema once', async () => {
    const url = await createDatabase();
    await startTogether(await temporaryDirectory(), url);
    expect(await runSql(url, 'select count(*)::int as n from catalog')).toEqual([{ n: 1 }]);
  });
});

const bouncer = findBinary('pgbouncer');
const { missing } = requireTool(bouncer ?? 'pgbouncer', ['--version'], 'apt-get install pgbouncer');

describe.skipIf(missing)('PgBouncer in transaction mode', () => {
  it('carries everything, though no two transactions need have one session', async () => {
    const direct = new URL((await createCatalogDatabase()).url);
    const server = await startBouncer(direct);
    const url = new URL(direct);
    url.port = String(server.port);
    const catalog = await openCatalog(url.href, { lockTimeout: 5000, migrate: 'never' });
    const alice = person(freshOrganization());
    const uploads = Array.from({ length: 6 }, (_, index) =>
      upload(catalog, alice, [{ content: 'x' }, { content: `${index}` }]),
    );
    const results = (await Promise.all(uploads)).flat();
    expect(results.map((result) => result.kind)).toEqual(results.map(() => 'committed'));
    await storeAssets(catalog, alice, [{ tags: { a: 'b' } }]);
    const found = await catalog.assets.page(
      { organization: alice.organization },
      { filter: { minSize: 1 }, limit: 50 },
    );
    expect(found.assets).toHaveLength(13);
    let lines = 0;
    for await (const line of catalog.maintenance.exportLines()) lines += line.length > 0 ? 1 : 0;
    expect(lines).toBeGreaterThan(26);
    await catalog.close();
    await server.stop();
  });

  it('refuses a wrong password as the server does', async () => {
    const direct = new URL((await createCatalogDatabase()).url);
    const server = await startBouncer(direct, 'plain');
    const url = new URL(direct);
    url.port = String(server.port);
    const open = () => openCatalog(url.href, { lockTimeout: 5000, migrate: 'never' });
    await (await open()).close();
    url.password = 'wr0ng';
    await expect(open()).rejects.toMatchObject({ code: 'CREDENTIALS_REFUSED' });
    url.username = 'nobody';
    await expect(open()).rejects.toMatchObject({ code: 'CREDENTIALS_REFUSED' });
    await server.stop();
  });
});

async function startBouncer(direct: URL, authentication = 'trust'): Promise<{ port: number; stop(): Promise<void> }> {
  const folder = await temporaryFolder('pgbouncer');
  const port = await freePort();
  const users = join(folder, 'users.txt');
  writeFileSync(users, `"${direct.username}" "${decodeURIComponent(direct.password)}"\n`, { mode: 0o644 });
  const settings = join(folder, 'pgbouncer.ini');
  const lines = [
    '[databases]',
    `* = host=${direct.hostname} port=${direct.port}`,
    '[pgbouncer]',
    `listen_addr=127.0.0.1`,
    `listen_port=${port}`,
    'unix_socket_dir=',
    `auth_type=${authentication}`,
    `auth_file=${users}`,
    'pool_mode=transaction',
    'default_pool_size=3',
    'server_reset_query_always=0',
  ];
  writeFileSync(settings, `${lines.join('\n')}\n`, { mode: 0o644 });
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const server = await startServer({
    command: bouncer ?? 'pgbouncer',
    args: [settings],
    folder,
    stopSignal: 'SIGINT',
    ready: async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
      return true;
    },
    // It refuses to run as root.
    ...(isRoot ? { uid: NOBODY } : {}),
  });
  return { port, stop: () => server.stop() };
}
