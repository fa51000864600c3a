import { createHash, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { AssetError } from '../../core/errors.ts';
import { tagRows } from '../assets/tag-rows.ts';
import type { Database, Session } from '../database.ts';
import type { TableRow } from '../tables.ts';
import {
  BACKUP_FORMAT,
  BACKUP_TABLE_NAMES,
  BACKUP_VERSION,
  type BackupTable,
  type BackupTrailer,
  fromBackupRow,
  noRows,
} from './backup-format.ts';

const ROWS_AT_ONCE = 500;
const READABLE_VERSIONS: readonly unknown[] = [1, BACKUP_VERSION];

export interface ImportSummary {
  assets: number;
  objects: number;
  auditEvents: number;
}

/**
 * Reads an export into an empty catalog, in one transaction, and gives it an id of its own.
 * @throws AssetError USAGE if the catalog is not empty or the lines are no backup; BYTES_DAMAGED if they are
 * cut off or changed; SCHEMA_NEWER if a newer program wrote them
 */
export function importLines(database: Database, lines: AsyncIterable<string>): Promise<ImportSummary> {
  return database.write((session) => importAll(session, lines), { once: true });
}

async function importAll(session: Session, lines: AsyncIterable<string>): Promise<ImportSummary> {
  for (const statement of session.dialect.beforeImport) await statement.execute(session.db);
  await refuseUnlessEmpty(session);
  const hash = createHash('sha256');
  const rows = noRows();
  let batch: Batch | undefined;
  let trailer: BackupTrailer | undefined;
  let isHeader = true;
  for await (const line of lines) {
    if (trailer !== undefined) throw damaged('something follows its last line');
    const value = parseLine(line);
    if (isHeader) {
      checkHeader(value);
      isHeader = false;
    } else if ('trailer' in value) {
      trailer = value['trailer'] as BackupTrailer;
      continue;
    } else {
      batch = await addRow(session, batch, value);
      rows[batch.table] += 1;
    }
    hash.update(`${line}\n`);
  }
  if (batch !== undefined) await insertBatch(session, batch);
  checkTrailer(trailer, rows, hash.digest('hex'));
  await session.db.updateTable('catalog').set({ id: randomUUID(), created_at: session.dialect.now }).execute();
  for (const statement of session.dialect.afterImport) await statement.execute(session.db);
  return { assets: rows.assets, objects: rows.objects, auditEvents: rows.audit_events };
}

interface Batch {
  table: BackupTable;
  rows: Record<string, unknown>[];
}

/** Adds the row of a line; a full batch, or one of another table, is inserted first. */
async function addRow(
  session: Session,
  batch: Batch | undefined,
  value: Readonly<Record<string, unknown>>,
): Promise<Batch> {
  const table = BACKUP_TABLE_NAMES.find((name) => name === value['table']);
  const row = value['row'];
  if (table === undefined || !isRecord(row)) throw damaged('a line names no table or has no row');
  if (batch !== undefined && batch.table === table && batch.rows.length < ROWS_AT_ONCE) {
    batch.rows.push(row);
    return batch;
  }
  if (batch !== undefined) await insertBatch(session, batch);
  return { table, rows: [row] };
}

async function insertBatch(session: Session, { table, rows }: Batch): Promise<void> {
  if (table === 'assets') {
    const assets = rows.map((row): TableRow<'assets'> => fromBackupRow(table, row));
    await session.insert('assets', assets);
    await session.insert('asset_tags', assets.flatMap(tagRows));
    return;
  }
  if (table === 'objects') await session.insert('originals', rows.flatMap(formerOriginal), { ifAbsent: true });
  // Backends stay marked: their stores carry the marker of the catalog that was exported, or, where the
  // configuration leads elsewhere, none. Neither is this catalog's before it is adopted.
  await session.insert(
    table,
    rows.map((row) => fromBackupRow(table, row)),
  );
}

/** In version 1 each stored object had one original of its own. */
function formerOriginal(object: Readonly<Record<string, unknown>>): TableRow<'originals'>[] {
  const { state, original_sha256: original, profile } = object;
  const isKnown = state === 'STORED' && typeof original === 'string' && typeof profile === 'string';
  return isKnown ? [fromBackupRow('originals', object)] : [];
}

async function refuseUnlessEmpty(session: Session): Promise<void> {
  for (const table of BACKUP_TABLE_NAMES) {
    const { rows } = await sql`select 1 from ${sql.table(table)} limit 1`.execute(session.db);
    if (rows.length === 0) continue;
    throw new AssetError('USAGE', `the catalog is not empty: it has rows in ${table}`, {
      hint: 'Restore into a new database: --database sqlite:<new file>, or an empty PostgreSQL database.',
    });
  }
}

function parseLine(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (isRecord(value)) return value;
  } catch (error) {
    throw damaged('a line is not JSON', error);
  }
  throw damaged('a line is not a JSON object');
}

function checkHeader(header: Readonly<Record<string, unknown>>): void {
  if (header['format'] !== BACKUP_FORMAT) {
    throw new AssetError('USAGE', 'this is not a backup of asset-cli', {
      hint: 'Pass a file that asset-cli db backup wrote.',
    });
  }
  if (!READABLE_VERSIONS.includes(header['version'])) {
    throw new AssetError('SCHEMA_NEWER', `the backup has format version ${String(header['version'])}`, {
      hint: 'Restore it with the asset-cli that wrote it, or a newer one.',
    });
  }
}

function checkTrailer(
  trailer: BackupTrailer | undefined,
  rows: Readonly<Record<BackupTable, number>>,
  sha256: string,
): void {
  if (trailer === undefined) throw damaged('its end is missing');
  if (trailer.sha256 !== sha256) throw damaged('its checksum does not match');
  const other = BACKUP_TABLE_NAMES.find((table) => (trailer.rows[table] ?? 0) !== rows[table]);
  if (other !== undefined) throw damaged(`rows of ${other} are missing`);
}

function damaged(reason: string, cause?: unknown): AssetError {
  return new AssetError('BYTES_DAMAGED', `the backup is damaged: ${reason}`, {
    hint: 'Take another copy of the backup; nothing was restored.',
    cause,
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
