import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenCatalogOptions } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { postgresSettings } from '../../src/catalog/postgres/settings.ts';
import type { AssetError } from '../../src/core/errors.ts';
import { freshOrganization, person, storeAssets } from '../support/catalog-uploads.ts';
import { leastPrivileged, postgresDatabases, runSql } from '../support/postgres-databases.ts';
import { runProgram } from '../support/program.ts';
import { describeWithService } from '../support/services/index.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const OPTIONS: OpenCatalogOptions = { lockTimeout: 500, migrate: 'auto', deadline: 500 };
const SECRET = 'pa55-w0rd';

async function refusal(url: string, options = OPTIONS): Promise<AssetError> {
  try {
    const catalog = await openCatalog(url, options);
    await catalog.close();
  } catch (error) {
    return error as AssetError;
  }
  throw new Error('it was opened');
}

await describeWithService('postgres', 'PostgreSQL refuses', ({ url: adminUrl }) => {
  const databases = postgresDatabases(adminUrl);
  const roles: string[] = [];
  let url: URL;
  let hostRules: string;

  const changed = (change: (url: URL) => void): string => {
    const copy = new URL(url);
    change(copy);
    return copy.href;
  };
  const makeRole = async (attributes: string): Promise<string> => {
    const role = `role_${randomUUID().replaceAll('-', '')}`;
    await runSql(adminUrl, `create role ${role} login ${attributes}`);
    roles.push(role);
    return role;
  };

  beforeAll(async () => {
    url = new URL(await databases.create());
    await (await openCatalog(url.href, OPTIONS)).close();
    const [rules] = await runSql(adminUrl, "select pg_read_file(current_setting('hba_file')) as text");
    hostRules = String(rules?.['text']);
  });
  afterAll(async () => {
    await databases.dropAll();
    for (const role of roles) await runSql(adminUrl, `drop role ${role}`);
  });

  it.each(['SQL,DMY', 'German', 'Postgres'])('to read times in the DateStyle %s', async (style) => {
    const inStyle = (name: string) => `${url.href}?options=-c%20datestyle=${name}`;
    const catalog = await openCatalog(inStyle(style), OPTIONS);
    await expect(catalog.maintenance.time()).rejects.toMatchObject({ code: 'DATABASE_UNUSABLE' });
    await catalog.close();
    const other = await openCatalog(inStyle('ISO,DMY'), OPTIONS);
    expect(Math.abs((await other.maintenance.time()).getTime() - Date.now())).toBeLessThan(60_000);
    await other.close();
  });

  it('a wrong password', async () => {
    const role = await makeRole(`password '${SECRET}'`);
    await writeHostRules(adminUrl, `host all ${role} all scram-sha-256\n${hostRules}`);
    const withPassword = (password: string) =>
      changed((copy) => {
        copy.username = role;
        copy.password = password;
      });
    for (const password of ['wrong', '']) {
      const error = await refusal(withPassword(password));
      expect(error).toMatchObject({ code: 'CREDENTIALS_REFUSED' });
    }
    // The right one gets in, and only then lacks the rights.
    expect(await refusal(withPassword(SECRET))).toMatchObject({ code: 'DATABASE_FORBIDDEN' });
    const environment = { PGPASSWORD: SECRET };
    expect(await refusal(withPassword(''), { ...OPTIONS, environment })).toMatchObject({ code: 'DATABASE_FORBIDDEN' });
    await writeHostRules(adminUrl, hostRules);
  });

  it('nothing to a password in PGPASSFILE, and says nothing about it', async () => {
    const login = new URL(await leastPrivileged(url.href));
    roles.push(login.username);
    await writeHostRules(adminUrl, `host all ${login.username} all scram-sha-256\n${hostRules}`);
    const home = await temporaryDirectory();
    const file = join(home, 'passwords');
    writeFileSync(file, `other:*:*:*:wrong\n*:${login.port}:*:${login.username}:${login.password}\n`, { mode: 0o600 });
    login.password = '';
    const list = (env: Record<string, string>) => runProgram(home, ['list', '--database', login.href], { env });
    expect(await list({ PGPASSFILE: file })).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await list({ PGPASSFILE: `${file}.none` })).toMatchObject({ code: 3 });
    await writeHostRules(adminUrl, hostRules);
    await runSql(url.href, `drop owned by ${login.username}`);
  });

  it('an unknown host, a closed port, a database that does not exist', async () => {
    const cases: [(url: URL) => void, string, RegExp?][] = [
      [(copy) => (copy.hostname = 'no-such-host.invalid'), 'UNAVAILABLE', /cannot be reached: getaddrinfo/],
      [(copy) => (copy.port = '1'), 'UNAVAILABLE', /cannot be reached: connect ECONNREFUSED/],
      [(copy) => (copy.pathname = '/no_such_database'), 'DATABASE_UNUSABLE'],
      [(copy) => copy.searchParams.set('sslmode', 'require'), 'DATABASE_UNUSABLE'],
      [(copy) => copy.searchParams.set('sslmode', 'verify-full'), 'DATABASE_UNUSABLE'],
      [(copy) => copy.searchParams.set('sslmode', 'maybe'), 'CONFIG_INVALID'],
    ];
    for (const [change, code, message = /./] of cases) {
      const wrong = changed((copy) => {
        copy.password = SECRET;
        change(copy);
      });
      const error = await refusal(wrong);
      expect(error).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.any(String) });
      expect(error.message + error.hint).not.toContain(SECRET);
      expect(error.message).not.toContain('\n');
    }
  });

  it('writes on a read-only server', async () => {
    const role = await makeRole('superuser');
    await runSql(adminUrl, `alter role ${role} set default_transaction_read_only = on`);
    const readOnly = changed((copy) => (copy.username = role));
    const catalog = await openCatalog(readOnly, OPTIONS);
    const refused = storeAssets(catalog, person(freshOrganization()), [{}]);
    await expect(refused).rejects.toMatchObject({ code: 'READ_ONLY' });
    await expect(catalog.maintenance.probeWriting()).rejects.toMatchObject({ code: 'READ_ONLY' });
    await catalog.close();
    const empty = new URL(await databases.create());
    empty.username = role;
    expect(await refusal(empty.href)).toMatchObject({ code: 'READ_ONLY' });
  });

  it('to be another kind of server than target_session_attrs asks for', async () => {
    const asked = (kind: string) => changed((copy) => copy.searchParams.set('target_session_attrs', kind));
    for (const kind of ['any', 'read-write', 'primary', 'prefer-standby']) {
      await (await openCatalog(asked(kind), OPTIONS)).close();
    }
    for (const kind of ['read-only', 'standby']) {
      expect(await refusal(asked(kind))).toMatchObject({
        code: 'DATABASE_UNUSABLE',
        message: expect.stringMatching(kind),
      });
    }
    const environment = { PGTARGETSESSIONATTRS: 'standby' };
    expect(await refusal(url.href, { ...OPTIONS, environment })).toMatchObject({ code: 'DATABASE_UNUSABLE' });
  });

  it('nothing to a name that leads elsewhere than its address', async () => {
    const named = changed((copy) => {
      copy.hostname = 'no-such-host.invalid';
      copy.searchParams.set('hostaddr', url.hostname);
    });
    await (await openCatalog(named, OPTIONS)).close();
  });

  it('to make the schema for a login without rights, which may do everything else', async () => {
    const everyday = new URL(await leastPrivileged(url.href));
    roles.push(everyday.username);
    const empty = new URL(await databases.create());
    everyday.pathname = empty.pathname;
    const migrateFirst = { code: 'DATABASE_FORBIDDEN', hint: expect.stringContaining('db migrate as the owner') };
    const noCatalog = expect.stringContaining('has no catalog yet, and this login may not');
    expect(await refusal(everyday.href)).toMatchObject({ ...migrateFirst, message: noCatalog });

    await (await openCatalog(empty.href, OPTIONS)).close();
    await runSql(empty.href, 'delete from schema_migrations where version > 8; drop index assets_by_creation');
    const noRight = expect.stringContaining('permission denied for table schema_migrations');
    expect(await refusal(everyday.href)).toMatchObject({ code: 'DATABASE_FORBIDDEN', message: noRight });
    await runSql(empty.href, `grant select on schema_migrations to ${everyday.username}`);
    const older = expect.stringMatching(/has schema version 8, \d+ is needed, and this login may not/);
    expect(await refusal(everyday.href)).toMatchObject({ ...migrateFirst, message: older });
    await runSql(empty.href, `revoke all on schema_migrations from ${everyday.username}`);
  });

  it('a login that may not log in, with what the server says about it', async () => {
    const role = await makeRole('');
    await runSql(adminUrl, `alter role ${role} nologin`);
    const error = await refusal(changed((copy) => (copy.username = role)));
    const reason = expect.stringContaining('is not permitted to log in');
    expect(error).toMatchObject({ code: 'CREDENTIALS_REFUSED', message: reason });
  });

  it("someone else's schema_migrations", async () => {
    const foreign = await databases.create();
    await runSql(foreign, 'create table schema_migrations (version varchar)');
    expect(await refusal(foreign)).toMatchObject({ code: 'DATABASE_UNUSABLE' });
  });

  it('settings that it does not understand, in its own words', async () => {
    for (const [options, words] of [
      ['-c no_such_setting=1', 'no_such_setting'],
      ['-c statement_timeout=soon', 'statement_timeout'],
      ['--nonsense', 'nonsense'],
    ] as const) {
      const error = await refusal(url.href, { ...OPTIONS, environment: { PGOPTIONS: options } });
      expect(error).toMatchObject({ code: 'DATABASE_UNUSABLE', message: expect.stringContaining(words) });
    }
  });

  it('to be a catalog in another encoding than UTF-8', async () => {
    const name = `test_${randomUUID().replaceAll('-', '')}`;
    await runSql(adminUrl, `create database ${name} encoding 'LATIN1' locale 'C' template template0`);
    const latin = changed((copy) => (copy.pathname = `/${name}`));
    expect(await refusal(latin)).toMatchObject({
      code: 'DATABASE_UNUSABLE',
      message: expect.stringContaining('LATIN1'),
    });
    await runSql(adminUrl, `drop database ${name} with (force)`);
  });

  it('what needs a table or a column that went, and the check finds it first', async () => {
    for (const change of ['drop table scan_runs', 'alter table audit_events drop column host']) {
      const broken = await databases.create();
      const catalog = await openCatalog(broken, OPTIONS);
      await catalog.maintenance.check();
      await runSql(broken, change);
      await expect(catalog.maintenance.check()).rejects.toMatchObject({
        code: 'DATABASE_UNUSABLE',
        message: expect.stringMatching(/lacks a part of its schema: .*(scan_runs|host)/),
      });
      await catalog.close();
    }
  });

  it('one connection too many, and says so', async () => {
    const role = await makeRole('connection limit 1');
    await runSql(url.href, `grant select on catalog, schema_migrations to ${role}`);
    const limited = changed((copy) => (copy.username = role));
    const first = await openCatalog(limited, OPTIONS);
    expect(await refusal(limited)).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('no connection left'),
    });
    await first.close();
  });

  it('a newer schema, and says which version it has', async () => {
    const newer = await databases.create();
    await (await openCatalog(newer, OPTIONS)).close();
    await runSql(newer, "insert into schema_migrations values (99, 'later', 'x', now())");
    expect(await refusal(newer)).toMatchObject({ code: 'SCHEMA_NEWER', message: expect.stringContaining('99') });
  });

  it('nothing to a connection that names itself', async () => {
    const catalog = await openCatalog(url.href, OPTIONS);
    const rows = await runSql(
      url.href,
      'select application_name as name from pg_stat_activity where datname = current_database()',
    );
    expect(rows.map((row) => row['name'])).toContain(`asset-cli/${process.pid}`);
    await catalog.close();
  });
});

/** Through the server itself: its folder may be another machine's. */
async function writeHostRules(adminUrl: string, rules: string): Promise<void> {
  const lines = rules.split('\n').map((line) => `(${quote(line)})`);
  const [file] = await runSql(adminUrl, "select current_setting('hba_file') as path");
  await runSql(
    adminUrl,
    `copy (values ${lines.join(', ')}) to ${quote(String(file?.['path']))}; select pg_reload_conf()`,
  );
  await runSql(adminUrl, 'select 1');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

describe('settings of PostgreSQL', () => {
  const readAll = (url: string, environment = {}) => postgresSettings(url, environment);
  /** Of one server. */
  const read = (url: string, environment = {}) => {
    const { servers, ...settings } = readAll(url, environment);
    const [server, other] = servers;
    if (server === undefined || other !== undefined) throw new Error('not one server');
    return { ...settings, ...server };
  };

  it('come from the URL, then from the variables, then from libpq’s defaults', () => {
    const environment = {
      PGHOST: 'h',
      PGPORT: '1',
      PGUSER: 'u',
      PGPASSWORD: 'p',
      PGDATABASE: 'd',
      PGSSLMODE: 'disable',
    };
    const full = read('postgres://me:s%40@db:6/name?sslmode=require&application_name=x&connect_timeout=3', environment);
    expect(full).toMatchObject({
      host: 'db',
      port: 6,
      user: 'me',
      password: 's@',
      database: 'name',
      sslMode: 'require',
    });
    expect(full).toMatchObject({ applicationName: 'x', connectTimeoutMilliseconds: 3000 });
    expect(read('postgres://', environment)).toMatchObject({
      host: 'h',
      port: 1,
      user: 'u',
      password: 'p',
      database: 'd',
    });
    expect(read('postgresql:///?user=me')).toMatchObject({
      host: 'localhost',
      port: 5432,
      database: 'me',
      sslMode: 'prefer',
    });
    expect(read('postgres://[::1]:5/d').host).toBe('::1');
  });

  it('leave what asks for nothing aside', () => {
    const environment = { PGCHANNELBINDING: 'prefer', PGGSSENCMODE: 'disable', PGREQUIRESSL: '0', PGSSLCRL: '' };
    expect(read('postgres://h/d?channel_binding=disable', environment)).toMatchObject({ host: 'h', session: 'any' });
  });

  it('name several servers, each with its port, as psql reads them', () => {
    const places = (url: string, environment = {}) =>
      readAll(url, environment).servers.map(({ host, address, port }) => `${address ?? host}:${port}`);
    const several: [string, Record<string, string>, string[]][] = [
      ['postgres://h1:1,h2:2/d', {}, ['h1:1', 'h2:2']],
      ['postgres://u:s,e%40@h1,[::1]:2,h3/d', { PGPORT: '9' }, ['h1:5432', '::1:2', 'h3:5432']],
      ['postgres://h1:1,h2/d?port=7', {}, ['h1:7', 'h2:7']],
      ['postgres:///d?host=h1,h2&port=1,2', {}, ['h1:1', 'h2:2']],
      ['postgres:///d', { PGHOST: 'h1,h2', PGPORT: '9' }, ['h1:9', 'h2:9']],
      ['postgres:///d', { PGHOST: 'h1,/run', PGPORT: ',8' }, ['h1:5432', '/run:8']],
      ['postgres:///d?hostaddr=10.0.0.1,10.0.0.2', { PGHOST: 'a,b' }, ['10.0.0.1:5432', '10.0.0.2:5432']],
      ['postgres:///d?hostaddr=10.0.0.1,10.0.0.2', {}, ['10.0.0.1:5432', '10.0.0.2:5432']],
    ];
    for (const [url, environment, expected] of several) expect(places(url, environment), url).toEqual(expected);
    expect(readAll(`postgres://u:${SECRET}@h1:1,h2:2/d`).location).toBe('postgres://u@h1:1,h2:2/d');
    const { servers } = readAll('postgres://h1,%2Frun/d?sslmode=verify-full');
    expect(servers.map(({ sslMode, tls }) => [sslMode, tls.servername])).toEqual([
      ['verify-full', 'h1'],
      ['disable', undefined],
    ]);
  });

  it('refuse lists that do not fit each other', () => {
    for (const [url, environment] of [
      ['postgres://h1,h2/d?port=1,2,3', {}],
      ['postgres://h/d', { PGPORT: '1,2' }],
      ['postgres:///d', { PGHOST: 'h1,h2', PGHOSTADDR: '10.0.0.1' }],
      ['postgres://h1,,h2/d', {}],
      ['postgres:///d', { PGHOST: 'h1,' }],
      [`postgres://u:${SECRET}@h1:1,h2:x/d`, {}],
    ] as const) {
      const refusal = expect.objectContaining({ code: 'CONFIG_INVALID' });
      expect(() => readAll(url, environment), url).toThrow(refusal);
      expect(() => readAll(url, environment)).not.toThrow(SECRET);
    }
  });

  it('refuse a parameter that only every object knows', () => {
    const refusal = expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('parameter') });
    for (const name of ['constructor', 'toString'])
      expect(() => read(`postgres://h/d?${name}=x`), name).toThrow(refusal);
  });

  it('read a plus as one, and the last of several values', () => {
    const url = 'postgres://h/d?user=a+b&password=c+%2B%20d&application_name=x&application_name=y';
    expect(read(url)).toMatchObject({ user: 'a+b', password: 'c++ d', applicationName: 'y' });
    expect(read('postgres://a+b:c+d@/d?host=h')).toMatchObject({ user: 'a+b', password: 'c+d', host: 'h' });
  });

  it('bound the version of TLS', () => {
    const { tls } = read('postgres://h/d?ssl_max_protocol_version=TLSv1.3', { PGSSLMINPROTOCOLVERSION: 'TLSv1.2' });
    expect(tls).toMatchObject({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' });
  });

  it('refuse what would lead psql elsewhere', () => {
    const refusal = expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('PGSERVICE') });
    expect(() => read('postgres://h/d', { PGSERVICE: 'main' })).toThrow(refusal);
    expect(() => read('postgres:///?service=main')).toThrow(refusal);
  });

  it('know Unix sockets, which have no TLS', () => {
    const expected = { host: '/var/run', user: 'me', sslMode: 'disable', location: 'postgres://me@/d?host=/var/run' };
    for (const url of ['postgres:///d?host=/var/run&user=me', 'postgres://me@%2Fvar%2Frun/d', expected.location]) {
      expect(read(url, { PGSSLMODE: 'verify-full' }), url).toMatchObject(expected);
    }
  });

  it('take a login without a host, which stands elsewhere', () => {
    const environment = { PGHOST: 'h', PGUSER: 'other' };
    const me = { user: 'm@', password: 's/', host: 'h', database: 'd', location: 'postgres://m@@h:5432/d' };
    expect(read('postgres://m%40:s%2F@/d', environment)).toMatchObject(me);
    expect(read('postgres://me@', environment)).toMatchObject({ user: 'me', host: 'h', database: 'me' });
    expect(() => read(`postgres://me:${SECRET}%@/d`)).toThrow(expect.not.stringContaining(SECRET));
  });

  it('look at who answers as libpq does', () => {
    const tls = (query: string) => read(`postgres://h/d?${query}`).tls;
    expect(tls('sslmode=require').rejectUnauthorized).toBe(false);
    expect(tls('sslmode=verify-ca')).toMatchObject({
      rejectUnauthorized: true,
      checkServerIdentity: expect.any(Function),
    });
    expect(tls('sslmode=verify-full')).toMatchObject({ rejectUnauthorized: true, servername: 'h' });
    expect(tls('sslmode=verify-full')).not.toHaveProperty('checkServerIdentity');
  });

  it('never show a password, wherever they are wrong', () => {
    for (const url of [
      `postgres://u:${SECRET}@h:port/d`,
      `postgres://u:${SECRET}%zz@h/d`,
      `postgres://u:${SECRET}@h:5x`,
    ]) {
      expect(() => read(url)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
      expect(() => read(url)).not.toThrow(SECRET);
    }
    expect(read(`postgres://u:${SECRET}@h/d`).location).toBe('postgres://u@h:5432/d');
  });
});
