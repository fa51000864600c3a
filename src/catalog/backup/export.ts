import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { assetsIn } from '../assets/asset-query.ts';
import type { Database, Session } from '../database.ts';
import {
  BACKUP_FORMAT,
  BACKUP_TABLE_NAMES,
  BACKUP_TABLES,
  BACKUP_VERSION,
  type BackupHeader,
  type BackupTable,
  type BackupTrailer,
  noRows,
  toBackupRow,
} from './backup-format.ts';

const ROWS_AT_ONCE = 1000;

/** The whole catalog as it is at one moment, line by line (without line feeds). */
export async function* exportLines(database: Database, catalogId: string): AsyncGenerator<string> {
  const { session, release } = await holdSnapshot(database);
  try {
    const hash = createHash('sha256');
    const rows = noRows();
    const header = JSON.stringify(await backupHeader(session, catalogId));
    hash.update(`${header}\n`);
    yield header;
    for (const table of BACKUP_TABLE_NAMES) {
      for await (const row of tableRows(session, table)) {
        const line = toLine({ table, row });
        hash.update(`${line}\n`);
        rows[table] += 1;
        yield line;
      }
    }
    const trailer: BackupTrailer = { rows, sha256: hash.digest('hex') };
    yield JSON.stringify({ trailer });
  } finally {
    await release();
  }
}

/** JSON on one line for every reader of lines: some end one at U+2028 and U+2029 too. */
function toLine(value: unknown): string {
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

/** Keeps one view of the data open while lines are taken from it. */
function holdSnapshot(database: Database): Promise<{ session: Session; release: () => Promise<void> }> {
  return new Promise((opened, failed) => {
    const ended = database.snapshot(
      (session) =>
        new Promise<void>((done) => {
          const release = () => {
            done();
            return ended;
          };
          opened({ session, release });
        }),
    );
    ended.catch(failed);
  });
}

async function backupHeader(session: Session, catalogId: string): Promise<BackupHeader> {
  const row = await session.db
    .selectFrom('schema_migrations')
    .select((eb) => eb.fn.max('version').as('version'))
    .executeTakeFirst();
  return {
    format: BACKUP_FORMAT,
    version: BACKUP_VERSION,
    catalogId,
    schemaVersion: row?.version ?? 0,
    createdAt: await session.now(),
  };
}

async function* tableRows(session: Session, table: BackupTable): AsyncGenerator<Record<string, unknown>> {
  const key = BACKUP_TABLES[table];
  const columns = key.map((name) => sql.ref(name));
  let last: readonly unknown[] | undefined;
  do {
    const after = last === undefined ? sql<boolean>`true` : sql<boolean>`(${sql.join(columns)}) > (${sql.join(last)})`;
    const query = table === 'assets' ? assetsIn(session, { allOrganizations: true }) : session.db.selectFrom(table);
    const page: Record<string, unknown>[] = await sql<Record<string, unknown>>`
      select * from (${query.selectAll()}) as t where ${after} order by ${sql.join(columns)} limit ${ROWS_AT_ONCE}`
      .execute(session.db)
      .then((result) => result.rows);
    for (const row of page) yield toBackupRow(table, row);
    const end = page.at(-1);
    last = page.length < ROWS_AT_ONCE || end === undefined ? undefined : key.map((name) => end[name]);
  } while (last !== undefined);
}
