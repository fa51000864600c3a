import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { freshOrganization, person, storeAssets } from '../support/catalog-uploads.ts';
import { postgresDatabases } from '../support/postgres-databases.ts';
import { describeWithService } from '../support/services/index.ts';
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts';

await describeWithService('postgres', 'PostgreSQL behind a bad network', ({ url: adminUrl }) => {
  const databases = postgresDatabases(adminUrl);
  let proxy: TcpProxy;
  let catalog: Catalog;
  let proxied: string;
  let direct: string;

  beforeAll(async () => {
    const url = new URL(await databases.create());
    direct = url.href;
    proxy = await tcpProxy(url.hostname, Number(url.port));
    url.port = String(proxy.port);
    proxied = url.href;
    catalog = await openCatalog(proxied, { lockTimeout: 5000, migrate: 'auto', deadline: 20_000 });
  });
  afterAll(async () => {
    await catalog?.close();
    await proxy?.close();
    await databases.dropAll();
  });

  const stored = async (organization: string) => {
    const page = await catalog.assets.page({ organization }, { filter: {}, limit: 100 });
    const { events } = await catalog.audit.page({ organization }, {}, 100);
    return { assets: page.assets.length, events: events.length };
  };

  it.each([
    ['lost', false],
    ['made, and its answer lost', true],
  ])('a commit that is %s is made once', async (_, deliver) => {
    const alice = person(freshOrganization());
    const spec = { content: alice.organization };
    await storeAssets(catalog, alice, [spec]);
    proxy.cutAt('commit', deliver);
    expect(await storeAssets(catalog, alice, [spec])).toHaveLength(1);
    expect(await stored(alice.organization)).toEqual({ assets: 2, events: 2 });
  });

  it('a statement in the middle of a transaction that is lost is repeated with all of it', async () => {
    const alice = person(freshOrganization());
    proxy.cutAt('insert into "assets"', true);
    expect(await storeAssets(catalog, alice, [{}, {}])).toHaveLength(2);
    expect(await stored(alice.organization)).toEqual({ assets: 2, events: 2 });
  });

  it('an outage is waited for, and nothing is lost or doubled', async () => {
    const alice = person(freshOrganization());
    proxy.cut();
    const waiting = Promise.all([storeAssets(catalog, alice, [{}]), storeAssets(catalog, alice, [{}, {}])]);
    await sleep(1500);
    proxy.resume();
    await waiting;
    expect(await stored(alice.organization)).toEqual({ assets: 3, events: 3 });
  });

  it('a lock that is waited for as long as may be is told as a lock', async () => {
    const patient = await openCatalog(proxied, { lockTimeout: 2000, deadline: 2000, migrate: 'never' });
    const holder = new pg.Client({ connectionString: direct });
    await holder.connect();
    await holder.query('begin; lock table assets in access exclusive mode');
    await expect(storeAssets(patient, person(freshOrganization()), [{}])).rejects.toMatchObject({
      code: 'DATABASE_LOCKED',
    });
    await holder.end();
    await patient.close();
  });

  it('an outage beyond the deadline is reported', async () => {
    const hasty = await openCatalog(proxied, { lockTimeout: 500, migrate: 'never', deadline: 300 });
    proxy.cut();
    await expect(storeAssets(hasty, person(freshOrganization()), [{}])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(openCatalog(proxied, { lockTimeout: 500, migrate: 'never' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    proxy.resume();
    expect(await storeAssets(hasty, person(freshOrganization()), [{}])).toHaveLength(1);
    await hasty.close();
  });
});
