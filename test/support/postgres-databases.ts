import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { openCatalog } from '../../src/catalog/open.ts';
import { POSTGRES_MIGRATIONS } from '../../src/catalog/postgres/migrations.ts';

const PASSWORD = 'least';

/** Databases of a test file's own on a server: dropped with `dropAll`. */
export function postgresDatabases(adminUrl: string) {
  const names: string[] = [];
  return {
    /** An empty database, by the login that owns it. */
    async create(): Promise<string> {
      const name = `test_${randomUUID().replaceAll('-', '')}`;
      await runSql(adminUrl, `create database ${name}`);
      names.push(name);
      return withDatabase(adminUrl, name);
    },
    async dropAll(): Promise<void> {
      for (const name of names.splice(0)) await runSql(adminUrl, `drop database if exists ${name} with (force)`);
    },
  };
}

export async function runSql(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Gives a new login the rights that docs/postgresql.md grants, and no others; its URL. */
export async function leastPrivileged(ownerUrl: string): Promise<string> {
  const login = `assets_${randomUUID().replaceAll('-', '')}`;
  await runSql(ownerUrl, `create role ${login} login password '${PASSWORD}'; ${documentedGrants(login)}`);
  return asLogin(ownerUrl, login);
}

/** A database with an empty catalog, to be copied, and a login with the documented rights in it. */
export interface CatalogTemplate {
  name: string;
  login: string;
  /** Words of `create database`: copying its files takes half of what logging each page of them does. */
  copying: string;
}

const TEMPLATE_LOCK = 0x74656d70;
const templates = new Map<string, Promise<CatalogTemplate>>();

/** Made by whoever needs it first on a server; its name tells the schema, so that none is ever outdated. */
export function catalogTemplate(adminUrl: string): Promise<CatalogTemplate> {
  const template = templates.get(adminUrl) ?? findTemplate(adminUrl);
  templates.set(adminUrl, template);
  return template;
}

async function findTemplate(adminUrl: string): Promise<CatalogTemplate> {
  const grants = documentedGrants('x');
  const version = createHash('sha256')
    .update(JSON.stringify([POSTGRES_MIGRATIONS, grants]))
    .digest('hex')
    .slice(0, 12);
  const [name, login] = [`asset_cli_template_${version}`, `asset_cli_everyday_${version}`];
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version_num: string }>('show server_version_num');
    const template = {
      name,
      login,
      copying: Number(rows[0]?.server_version_num) < 150_000 ? '' : 'strategy file_copy',
    };
    if (await isDatabase(client, template.name)) return template;
    await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    if (!(await isDatabase(client, template.name))) await makeTemplate(client, adminUrl, template);
    return template;
  } finally {
    await client.end();
  }
}

async function isDatabase(client: pg.Client, name: string): Promise<boolean> {
  return (await client.query('select 1 from pg_database where datname = $1', [name])).rowCount === 1;
}

async function makeTemplate(client: pg.Client, adminUrl: string, { name, login }: CatalogTemplate): Promise<void> {
  const unfinished = `${name}_unfinished`;
  await client.query(`drop database if exists ${unfinished} with (force)`);
  await client.query(`drop role if exists ${login}`);
  await client.query(`create database ${unfinished}`);
  const url = withDatabase(adminUrl, unfinished);
  const catalog = await openCatalog(url, { lockTimeout: 10_000, migrate: 'auto' });
  await catalog.close();
  await runSql(url, `create role ${login} login password '${PASSWORD}'; ${documentedGrants(login)}`);
  await client.query(`alter database ${unfinished} rename to ${name}`);
}

export function asLogin(ownerUrl: string, login: string): string {
  const url = new URL(ownerUrl);
  url.username = login;
  url.password = PASSWORD;
  return url.href;
}

function documentedGrants(login: string): string {
  const text = readFileSync(new URL('../../docs/postgresql.md', import.meta.url), 'utf8');
  const grants = /```sql\n([^`]*)```/.exec(text)?.[1];
  if (grants === undefined) throw new Error('docs/postgresql.md has no statements');
  return grants.replaceAll(/TO assets;/g, `TO ${login};`);
}

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
