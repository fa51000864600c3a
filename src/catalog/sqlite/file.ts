import { closeSync, existsSync, fsyncSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { AssetError } from '../../core/errors.ts';
import { makeDirectories } from '../../core/make-directories.ts';
import { retryWhile } from '../retry.ts';
import { type Driver, loadDriver } from './driver.ts';
import { isBusy, sqliteCode } from './errors.ts';

type Connection = BetterSqlite3.Database;

export interface OpenFileOptions {
  lockTimeout: number;
  /** Nothing is created; without a file the answer is an empty database in memory. */
  readOnly: boolean;
}

export interface OpenedFile {
  connection: Connection;
  /** An empty stand-in for a file that does not exist. */
  inMemory: boolean;
  /** The file or its directory cannot be written. */
  readOnly: boolean;
}

/** How long SQLite itself waits for a lock, blocking this process; longer waits happen between attempts. */
const BLOCKING_WAIT = 20;

/**
 * Opens or makes the database file, with every safety that the catalog counts on. A new file is 0600, a new
 * directory 0700; SQLite gives the write-ahead log the file's own permissions.
 */
export async function openFile(path: string, options: OpenFileOptions): Promise<OpenedFile> {
  const Database = await loadDriver();
  if (path === ':memory:' || (options.readOnly && isMissingOrEmpty(path))) {
    const connection = new Database(':memory:');
    connection.pragma('foreign_keys = ON');
    return { connection, inMemory: true, readOnly: false };
  }
  if (!options.readOnly) createFile(path);
  return retryWhile(() => openExisting(Database, path), isBusy, options.lockTimeout);
}

function openExisting(Database: Driver, path: string): OpenedFile {
  const connection = new Database(path, { timeout: BLOCKING_WAIT, fileMustExist: true });
  try {
    configure(connection);
    return { connection, inMemory: false, readOnly: false };
  } catch (error) {
    connection.close();
    if (!isUnwritable(error)) throw error;
    return { connection: openUnwritable(Database, path), inMemory: false, readOnly: true };
  }
}

function configure(connection: Connection): void {
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  connection.pragma('cache_size = -32768');
  connection.pragma('temp_store = MEMORY');
  // Groups of uploads change the same index pages: they reach the file once for many groups.
  connection.pragma('wal_autocheckpoint = 8192');
  if (connection.pragma('journal_mode', { simple: true }) !== 'wal') connection.pragma('journal_mode = WAL');
}

function isUnwritable(error: unknown): boolean {
  const code = sqliteCode(error);
  return code.startsWith('SQLITE_READONLY') || code === 'SQLITE_CANTOPEN';
}

/** A catalog on a read-only disk, or someone else's file, can still be listed. */
function openUnwritable(Database: Driver, path: string): Connection {
  const connection = new Database(path, { readonly: true, fileMustExist: true, timeout: BLOCKING_WAIT });
  try {
    connection.pragma('schema_version');
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** @throws AssetError DATABASE_FORBIDDEN if that cannot be looked at: what is hidden is not missing */
function isMissingOrEmpty(path: string): boolean {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined || found.size === 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return true;
    throw new AssetError('DATABASE_FORBIDDEN', `the database ${path} cannot be read: ${reason(error)}`, {
      hint: 'Check the permissions of the file and of its directories.',
      cause: error,
    });
  }
}

function createFile(path: string): void {
  if (existsSync(path)) return;
  try {
    const made = makeDirectories(dirname(path), 0o700);
    closeSync(openSync(path, 'a', 0o600));
    for (const directory of made) syncDirectory(dirname(directory));
  } catch (error) {
    throw new AssetError('DATABASE_UNUSABLE', `the database ${path} cannot be made: ${reason(error)}`, {
      hint: 'Name another place with --database sqlite:<path>, or set ASSET_CLI_HOME.',
      cause: error,
    });
  }
}

/** SQLite makes the file durable in its directory; new directories are ours to make durable in theirs. */
function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function reason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
