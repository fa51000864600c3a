import { spawnSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { freshOrganization, person, storeAssets } from '../support/catalog-uploads.ts';
import { runSql } from '../support/postgres-databases.ts';
import { service } from '../support/services/index.ts';
import { postgres, startPostgres } from '../support/services/postgres.ts';
import { freePort, type RunningServer, temporaryFolder } from '../support/services/server.ts';
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts';

const isMissing = 'skip' in (await service('postgres'));
const OPTIONS = { lockTimeout: 2000, migrate: 'never', deadline: 20_000 } as const;

describe.skipIf(isMissing && process.env['CI'] !== 'true')('a primary and its standby in one URL', () => {
  const servers: RunningServer[] = [];
  let folder: string;
  let closed: string;
  let primary: string;
  let standby: string;
  /** The way to the primary, which can be cut. */
  let proxy: TcpProxy;

  const start = async (data: string): Promise<string> => {
    const started = await startPostgres({ data });
    if (started === null) throw new Error(postgres.install);
    servers.push(started.server);
    return new URL(started.service.url).host;
  };
  const urlOf = (hosts: readonly string[], kind = 'any') =>
    `postgres://postgres@${hosts.join()}/postgres?target_session_attrs=${kind}`;
  const open = (hosts: readonly string[], kind?: string, options = {}) =>
    openCatalog(urlOf(hosts, kind), { ...OPTIONS, ...options });
  const isWritable = async (catalog: Catalog): Promise<boolean> => {
    try {
      await catalog.maintenance.probeWriting();
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'READ_ONLY' });
      return false;
    } finally {
      await catalog.close();
    }
  };
  const assetsAt = async (host: string, organization: string) =>
    (await runSql(urlOf([host]), `select 1 from assets where organization_id = '${organization}'`)).length;

  beforeAll(async () => {
    folder = await temporaryFolder('postgres-failover');
    const [data, copy] = [join(folder, 'primary'), join(folder, 'standby')];
    const first = await start(data);
    await (await openCatalog(urlOf([first]), { ...OPTIONS, migrate: 'auto' })).close();
    await servers.pop()?.stop();
    spawnSync('cp', ['-a', data, copy]);
    primary = await start(data);
    const [host = '', port = ''] = primary.split(':');
    writeFileSync(join(copy, 'standby.signal'), '');
    appendFileSync(
      join(copy, 'postgresql.auto.conf'),
      `primary_conninfo = 'host=${host} port=${port} user=postgres'\n`,
    );
    standby = await start(copy);
    closed = `127.0.0.1:${await freePort()}`;
    proxy = await tcpProxy(host, Number(port));
  });
  afterAll(async () => {
    await proxy?.close();
    for (const server of servers) await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('is connected to where the server is of the kind that is asked for', async () => {
    const all = [closed, standby, primary];
    for (const [hosts, kind, writable] of [
      [all, 'any', false],
      [all, 'read-write', true],
      [all, 'primary', true],
      [[primary, standby], 'any', true],
      [[primary, standby], 'read-only', false],
      [[primary, standby], 'standby', false],
      [[primary, standby], 'prefer-standby', false],
      [[closed, primary], 'prefer-standby', true],
    ] as const) {
      expect(await isWritable(await open(hosts, kind)), `${hosts.join()} ${kind}`).toBe(writable);
    }
  });

  it('is refused with what is wrong of each where none will do', async () => {
    await expect(open([closed, primary], 'standby')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/cannot be reached: connect ECONNREFUSED .*, .* is a primary, not standby/),
    });
    await expect(open([closed, closed])).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(`${closed},${closed}/postgres cannot be reached: .*ECONNREFUSED.*ECONNREFUSED`),
    });
  });

  it('is not tried on after a refused login', async () => {
    const url = urlOf([primary, closed]).replace('postgres@', 'nobody@');
    await expect(openCatalog(url, OPTIONS)).rejects.toMatchObject({ code: 'CREDENTIALS_REFUSED' });
  });

  it('is gone on with at the standby once that has taken over', async () => {
    const alice = person(freshOrganization());
    const catalog = await open([`127.0.0.1:${proxy.port}`, standby], 'read-write');
    await storeAssets(catalog, alice, [{}]);
    await expect.poll(() => assetsAt(standby, alice.organization)).toBe(1);
    proxy.cut();
    const going = storeAssets(catalog, alice, [{}, {}]);
    await runSql(urlOf([standby]), 'select pg_promote()');
    expect(await going).toHaveLength(2);
    await catalog.close();
    expect(await assetsAt(standby, alice.organization)).toBe(3);
    expect(await assetsAt(primary, alice.organization)).toBe(1);
  });

  it('says nothing of a commit that it lost at another server', async () => {
    const alice = person(freshOrganization());
    proxy.resume();
    const catalog = await open([`127.0.0.1:${proxy.port}`, standby], 'read-write');
    await storeAssets(catalog, alice, [{}]);
    proxy.cutAt('commit', true, true);
    await expect(storeAssets(catalog, alice, [{}])).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('did not say whether the last change was made'),
    });
    await catalog.close();
    expect(await assetsAt(standby, alice.organization)).toBe(0);
  });
});
