import { AssetError } from '../../core/errors.ts';
import { toJsonText } from '../json-text.ts';
import { type BaseKind, COLUMNS, type ColumnKind, type TableRow } from '../tables.ts';

/** See docs/backup-format.md. The tables in the order in which they can be inserted again, each in a keyset order. */
export const BACKUP_TABLES = {
  backends: ['name'],
  content_verdicts: ['organization_id', 'sha256'],
  originals: ['organization_id', 'original_sha256', 'profile', 'sha256'],
  objects: ['id'],
  assets: ['organization_id', 'created_at', 'id'],
  audit_events: ['seq'],
  tokens: ['id'],
} as const;

export type BackupTable = keyof typeof BACKUP_TABLES;
export const BACKUP_TABLE_NAMES = Object.keys(BACKUP_TABLES) as BackupTable[];

/** To count the rows of each. */
export function noRows(): Record<BackupTable, number> {
  return { backends: 0, content_verdicts: 0, originals: 0, objects: 0, assets: 0, audit_events: 0, tokens: 0 };
}

export const BACKUP_FORMAT = 'asset-cli-backup';
/** Of version 1, objects had what is in `originals` now (import.ts). */
export const BACKUP_VERSION = 2;

export interface BackupHeader {
  format: typeof BACKUP_FORMAT;
  version: number;
  catalogId: string;
  schemaVersion: number;
  createdAt: string;
}

/** The last line: a file without it is cut off. */
export interface BackupTrailer {
  /** A table that the writer did not know yet is absent. */
  rows: Partial<Record<BackupTable, number>>;
  /** Of all lines before, each with its line feed. */
  sha256: string;
}

/** A row as both databases write it: truth values, numbers, ISO 8601, JSON objects. */
export function toBackupRow(table: BackupTable, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const columns = Object.entries<ColumnKind>(COLUMNS[table]);
  return Object.fromEntries(columns.map(([name, kind]) => [name, toBackupValue(kind, row[name])]));
}

function toBackupValue(kind: ColumnKind, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (baseKind(kind) === 'flag') return Boolean(value);
  return baseKind(kind) === 'json' ? JSON.parse(String(value)) : value;
}

/**
 * A row of a backup as it is inserted. A column that the backup does not know yet is NULL.
 * @throws AssetError BYTES_DAMAGED if a value is of another kind than its column
 */
export function fromBackupRow<T extends BackupTable>(table: T, row: Readonly<Record<string, unknown>>): TableRow<T> {
  const columns = Object.entries<ColumnKind>(COLUMNS[table]);
  const values = columns.map(([name, kind]) => [name, fromBackupValue(table, name, kind, row[name] ?? null)]);
  return Object.fromEntries(values) as TableRow<T>;
}

const JSON_TYPES: Record<BaseKind, string> = {
  uuid: 'string',
  text: 'string',
  time: 'string',
  int: 'number',
  flag: 'boolean',
  json: 'object',
};

function fromBackupValue(table: string, name: string, kind: ColumnKind, value: unknown): unknown {
  if (value === null && kind.endsWith('?')) return null;
  const base = baseKind(kind);
  if (value === null || typeof value !== JSON_TYPES[base]) {
    throw new AssetError('BYTES_DAMAGED', `the backup is damaged: ${table}.${name} has a value of another kind`, {
      hint: 'Take another copy of the backup.',
    });
  }
  return base === 'json' ? toJsonText(value) : value;
}

function baseKind(kind: ColumnKind): BaseKind {
  return kind.replace('?', '') as BaseKind;
}
