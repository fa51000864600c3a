import { chmodSync, existsSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompiledQuery } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { OpenCatalogOptions } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { openSqlite } from '../../src/catalog/sqlite/open.ts';
import { person, storeAssets } from '../support/catalog-uploads.ts';
import { Sqlite } from '../support/sqlite-driver.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const OPTIONS: OpenCatalogOptions = { lockTimeout: 200, migrate: 'auto' };
const isRoot = process.getuid?.() === 0;

const open = (path: string, changes: Partial<OpenCatalogOptions> = {}) =>
  openCatalog(`sqlite:${path}`, { ...OPTIONS, ...changes });

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('a SQLite catalog', () => {
  it('is private: the file, its log and every directory that was made for it', async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, 'made', 'for', 'assets.db');
    const catalog = await open(path);
    await storeAssets(catalog, person('acme'), [{}]);
    expect([mode(join(directory, 'made')), mode(join(directory, 'made', 'for'))]).toEqual(['700', '700']);
    expect([mode(path), mode(`${path}-wal`)]).toEqual(['600', '600']);
    await catalog.close();
  });

  it('keeps every safety on', async () => {
    const path = join(await temporaryDirectory(), 'assets.db');
    await (await open(path)).close();
    const connection = new Sqlite(path);
    expect(connection.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(connection.pragma('integrity_check', { simple: true })).toBe('ok');
    connection.close();
  });

  it('is not made by a reader: what does not exist is empty', async () => {
    const path = join(await temporaryDirectory(), 'none', 'assets.db');
    const catalog = await open(path, { readOnly: true, migrate: 'never' });
    expect((await catalog.assets.page({ allOrganizations: true }, { filter: {}, limit: 5 })).assets).toEqual([]);
    await catalog.close();
    expect(existsSync(path)).toBe(false);
  });

  it.skipIf(isRoot)('can be read where it cannot be written, and says so when it should be', async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, 'assets.db');
    const alice = person('acme');
    const catalog = await open(path);
    await storeAssets(catalog, alice, [{}]);
    await catalog.close();
    chmodSync(path, 0o400);
    const reader = await open(path);
    expect((await reader.assets.page({ organization: 'acme' }, { filter: {}, limit: 5 })).assets).toHaveLength(1);
    await expect(storeAssets(reader, alice, [{}])).rejects.toMatchObject({ code: 'READ_ONLY' });
    await reader.close();
  });

  it('waits for a lock as long as it may, then says that it is locked', async () => {
    const path = join(await temporaryDirectory(), 'assets.db');
    const impatient = await open(path, { lockTimeout: 50 });
    const patient = await open(path, { lockTimeout: 60_000 });
    const other = new Sqlite(path);
    other.exec('begin immediate');
    await expect(storeAssets(impatient, person('acme'), [{}])).rejects.toMatchObject({ code: 'DATABASE_LOCKED' });
    setTimeout(() => other.exec('commit'), 100);
    expect(await storeAssets(patient, person('acme'), [{}])).toHaveLength(1);
    other.close();
    await impatient.close();
    await patient.close();
  });

  it.each([
    ['text', 'this is not a database, but it is long enough to look like a file with something in it '.repeat(50)],
    ['a damaged header', `SQLite format 3\0${'x'.repeat(5000)}`],
  ])('refuses a file of %s', async (_, content) => {
    const path = join(await temporaryDirectory(), 'assets.db');
    writeFileSync(path, content);
    await expect(open(path)).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
  });

  it('notices a table or a column that went', async () => {
    for (const change of ['drop table scan_runs', 'alter table audit_events drop column host']) {
      const path = join(await temporaryDirectory(), 'assets.db');
      const catalog = await open(path);
      await catalog.maintenance.check();
      const connection = new Sqlite(path);
      for (const trigger of connection.prepare("select name from sqlite_master where type = 'trigger'").pluck().all()) {
        connection.exec(`drop trigger ${String(trigger)}`);
      }
      connection.exec(change);
      connection.close();
      await expect(catalog.maintenance.check()).rejects.toMatchObject({
        code: 'DATABASE_UNUSABLE',
        message: expect.stringMatching(/lacks a part of its schema: .*(scan_runs|host)/),
      });
      await catalog.close();
    }
  });

  it('notices that it was cut off', async () => {
    const path = join(await temporaryDirectory(), 'assets.db');
    const catalog = await open(path);
    await storeAssets(
      catalog,
      person('acme'),
      Array.from({ length: 200 }, () => ({})),
    );
    await catalog.close();
    truncateSync(path, statSync(path).size / 2);
    const damaged = (async () => {
      const reader = await open(path);
      try {
        await reader.maintenance.check();
      } finally {
        await reader.close();
      }
    })();
    await expect(damaged).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
  });

  it('refuses a path that is a directory', async () => {
    const path = join(await temporaryDirectory(), 'assets.db');
    mkdirSync(path);
    await expect(open(path)).rejects.toMatchObject({ code: 'DATABASE_UNUSABLE' });
  });

  it('refuses a schema from a newer program and names the version', async () => {
    const path = join(await temporaryDirectory(), 'assets.db');
    await (await open(path)).close();
    const connection = new Sqlite(path);
    connection.pragma('user_version = 99');
    connection.close();
    await expect(open(path)).rejects.toMatchObject({ code: 'SCHEMA_NEWER', message: expect.stringContaining('99') });
  });

  it('refuses another URL than those of its databases', async () => {
    await expect(openCatalog('mysql://u:secret@h/d', OPTIONS)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.not.stringContaining('secret'),
    });
  });
});

it('shows a prepared query nothing of a transaction that is under way on the same connection', async () => {
  const database = await openSqlite(`sqlite:${join(await temporaryDirectory(), 'assets.db')}`, OPTIONS);
  const count = CompiledQuery.raw('select count(*) as n from backends');
  const asked: Promise<readonly unknown[]>[] = [];
  const undone = database.write(async (session) => {
    await session.run(CompiledQuery.raw("insert into backends values ('b', 'id', 'LOCAL', null, '2026')"));
    asked.push(
      session.run(count),
      database.read((reader) => reader.run(count)),
    );
    await new Promise(setImmediate);
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  expect(await Promise.all(asked)).toEqual([[{ n: 1 }], [{ n: 0 }]]);
  await database.close();
});

it('names the columns of what it reads as they are when it reads', async () => {
  const path = join(await temporaryDirectory(), 'assets.db');
  const database = await openSqlite(`sqlite:${path}`, OPTIONS);
  const connection = new Sqlite(path);
  connection.exec("create table pets (name text, colour text, legs int); insert into pets values ('Ida', 'grey', 4)");
  const pets = CompiledQuery.raw('select * from pets');
  const twice = () => database.read(async (session) => [await session.run(pets), await session.db.executeQuery(pets)]);
  const [run, executed] = await twice();
  expect([run, executed]).toMatchObject([[{ name: 'Ida', colour: 'grey', legs: 4 }], { rows: run }]);
  connection.exec('alter table pets drop column colour');
  expect((await twice())[0]).toEqual([{ name: 'Ida', legs: 4 }]);
  connection.exec('delete from pets');
  expect((await twice())[0]).toEqual([]);
  connection.close();
  await database.close();
});
