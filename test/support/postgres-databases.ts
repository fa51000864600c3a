import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';

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
  await runSql(ownerUrl, `create role ${login} login password 'least'; ${documentedGrants(login)}`);
  const url = new URL(ownerUrl);
  url.username = login;
  url.password = 'least';
  return url.href;
}

function documentedGrants(login: string): string {
  const text = readFileSync(new URL('../../docs/postgresql.md', import.meta.url), 'utf8');
  const grants = /```sql\n([^`]*)```/.exec(text)?.[1];
  if (grants === undefined) throw new Error('docs/postgresql.md has no statements');
  return grants.replaceAll(/TO assets;/g, `TO ${login};`);
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
