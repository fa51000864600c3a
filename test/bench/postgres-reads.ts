import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { assetCursor } from '../../src/catalog/assets/asset-order.ts';
import type { AssetFilter, AuditContext, Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import type { Identity, OrganizationScope } from '../../src/core/identity.ts';
import { explainStatements, type StatementCost } from '../support/explain-postgres.ts';
import { generatePostgresCatalog } from '../support/generate-postgres-catalog.ts';
import { runSql, withDatabase } from '../support/postgres-databases.ts';
import { postgres, startPostgres } from '../support/services/postgres.ts';
import { type Benchmark, type BenchOptions, type Figure, limited } from './benchmark.ts';
import { schemaVersion } from './stores.ts';

const ORGANIZATIONS = 50;
const MOST_BUFFERS = 300;
const PAGE = 50;
const DEEP_PAGE = 10_000;
/** Has a fifth of all assets: the only one with so many pages. */
const LARGEST = 'org-0';
const OPERATOR: Identity = { user: 'bench', organization: LARGEST, role: 'operator' };
const AUDIT: AuditContext = { host: 'bench', correlationId: 'bench' };
/** As many as one transaction of a purge takes. */
const CLAIMED = 20;
const DAY = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY).toISOString();

const FILTERS: Readonly<Record<string, AssetFilter>> = {
  'no filter': {},
  '--type, common': { assetType: 'SEO_REPORT' },
  '--type, rare': { assetType: 'BACKUP_FILE' },
  '--project': { projectId: 'project-7' },
  '--user': { userId: 'user-7' },
  '--backend': { backend: 'archive' },
  '--status trashed': { status: 'trashed' },
  '--status any': { status: 'any' },
  '--scan-status CLEAN': { scanStatus: 'CLEAN' },
  '--scan-status PENDING': { scanStatus: 'PENDING' },
  '--name, few': { nameGlob: 'seo_report-0912*' },
  '--name, many': { nameGlob: 's*' },
  '--name, rare type': { nameGlob: 'backup_file-*' },
  '--name, 0.5 %': { nameGlob: 'document_upload-01*' },
  '--name, 0.4 %': { nameGlob: 'seo_report-01*' },
  '--tag': { tags: { branch: 'feature-7' } },
  '--public': { isPublic: true },
  '--expired': { expired: 'only' },
  '--expires-before, a month': { expiresBefore: daysAgo(-30) },
  '--expires-before, years': { expiresBefore: daysAgo(-600) },
  '--created-after': { createdAfter: daysAgo(30) },
  '--created-before': { createdBefore: daysAgo(800) },
  '--min-size, many': { minSize: 10_000_000 },
  '--min-size, none': { minSize: 10 ** 12 },
  '--max-size': { maxSize: 149 },
  // About here a walk in the list's order and a look at all that match cost alike.
  '--max-size, 0.2 %': { maxSize: 101 },
  '--max-size, 0.3 %': { maxSize: 102 },
  '--max-size, 0.4 %': { maxSize: 103 },
  '--max-size, 0.5 %': { maxSize: 104 },
  '--expires-before, 0.2 %': { expiresBefore: daysAgo(-14) },
  '--expires-before, 0.3 %': { expiresBefore: daysAgo(-21) },
  '--expires-before, 0.4 %': { expiresBefore: daysAgo(-28) },
  '--expires-before, 0.5 %': { expiresBefore: daysAgo(-35) },
};

export const postgresReads: Benchmark = {
  name: 'postgres-reads',
  target:
    'on PostgreSQL with 5,000,000 assets of 50 organisations, list with any one filter, first page and page 10,000, and claiming a purge batch, each touch at most 300 shared buffers, and scan no table',
  async run(options) {
    const started = await startPostgres({ data: await preparedCluster(options) });
    if (started === null) throw new Error(`no PostgreSQL: ${postgres.install}`);
    const url = withDatabase(started.service.url, 'assets');
    const catalog = await openCatalog(url, { lockTimeout: 5000, migrate: 'never' });
    try {
      return await measure(url, catalog);
    } finally {
      await catalog.close();
      await started.server.stop();
    }
  },
};

/** A stopped server's data, kept between runs as long as schema and generator stay: five million assets take minutes. */
async function preparedCluster({ folder, postgresAssets }: BenchOptions): Promise<string> {
  const cache = join(folder, 'postgres');
  mkdirSync(cache, { recursive: true });
  const name = `assets-${postgresAssets}-${schemaVersion('generate-postgres-catalog.ts')}`;
  const ready = join(cache, name);
  if (existsSync(ready)) return ready;
  for (const outdated of readdirSync(cache).filter((each) => each.startsWith(`assets-${postgresAssets}-`)))
    rmSync(join(cache, outdated), { recursive: true });
  const unfinished = `${ready}.${process.pid}`;
  const started = await startPostgres({ data: unfinished, settings: ['shared_buffers=512MB', 'max_wal_size=2GB'] });
  if (started === null) throw new Error(`no PostgreSQL: ${postgres.install}`);
  try {
    await runSql(started.service.url, 'create database assets');
    const url = withDatabase(started.service.url, 'assets');
    await (await openCatalog(url, { lockTimeout: 5000, migrate: 'auto' })).close();
    await generatePostgresCatalog(url, { assets: postgresAssets, organizations: ORGANIZATIONS });
    await runSql(url, 'checkpoint');
  } finally {
    await started.server.stop();
  }
  renameSync(unfinished, ready);
  return ready;
}

async function measure(url: string, catalog: Catalog): Promise<Figure[]> {
  const deep = await deepCursor(url);
  const figures: Figure[] = [];
  let scans = 0;
  const add = (name: string, costs: readonly StatementCost[]) => {
    const buffers = costs.reduce((sum, cost) => sum + cost.buffers, 0);
    figures.push(limited(name, 'buffers', buffers, MOST_BUFFERS));
    scans += costs.reduce((sum, cost) => sum + cost.scanned.length, 0);
  };
  const list = (scope: OrganizationScope, filter: AssetFilter, after?: string) =>
    explainStatements(url, () =>
      catalog.assets.page(scope, { filter, limit: PAGE, ...(after === undefined ? {} : { after }) }),
    );
  for (const [name, filter] of Object.entries(FILTERS)) {
    add(`${LARGEST}: ${name}`, await list({ organization: LARGEST }, filter));
    add(`${LARGEST}: ${name}, page ${DEEP_PAGE}`, await list({ organization: LARGEST }, filter, deep));
    add(`org-1: ${name}`, await list({ organization: 'org-1' }, filter));
    add(`all: ${name}`, await list({ allOrganizations: true }, filter));
    add(`all: ${name}, page ${DEEP_PAGE}`, await list({ allOrganizations: true }, filter, deep));
  }
  add(`claim ${CLAIMED} expired assets`, await claim(url, catalog));
  return [...figures, limited('tables read from end to end', 'scans', scans, 0)];
}

/** Behind page 9,999 of the largest organisation, or in the middle of it where it has not so many. */
async function deepCursor(url: string): Promise<string> {
  const [row] = await runSql(
    url,
    `with counted as (select count(*) as n from assets where organization_id = '${LARGEST}')
     select to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as created, id::text
     from assets where organization_id = '${LARGEST}' order by created_at desc, assets.id desc
     offset (select least(n / 2, ${(DEEP_PAGE - 1) * PAGE}) from counted) limit 1`,
  );
  return assetCursor({ field: 'created', descending: true }, [String(row?.['created']), String(row?.['id'])]);
}

/** What a purge locks for one batch; the statements that then remove it go by key. */
async function claim(url: string, catalog: Catalog): Promise<StatementCost[]> {
  const filter = { organization: 'org-1', kind: 'expired', backends: ['local', 'archive'] } as const;
  const isClaim = (text: string) => /skip locked/.test(text);
  return explainStatements(url, () => catalog.purge.take(OPERATOR, filter, CLAIMED, 30, AUDIT), isClaim);
}
