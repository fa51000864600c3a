import { closeSync, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import type BetterSqlite3 from 'better-sqlite3';
import { AssetError } from '../../core/errors.ts';
import { sharedTurns } from '../../core/shared-turns.ts';

const syncData = promisify(fdatasync);

export interface WalSync {
  /**
   * Resolves when every commit so far is durable; who asks while a sync is under way shares the next one.
   * @throws AssetError UNAVAILABLE, from then on
   */
  durable(): Promise<void>;
  /** Why nothing is durable any more. */
  failure(): AssetError | undefined;
  close(): void;
}

/**
 * Commits without waiting for the disk, which would stop the whole program, and makes them durable from another thread:
 * `synchronous = NORMAL` writes a commit to the write-ahead log and leaves out its sync alone
 * (https://www.sqlite.org/pragma.html#pragma_synchronous); the log is read from its beginning after a loss of power, so
 * that a later sync makes all that came before durable too. The log exists for as long as the connection does.
 */
export function syncWalElsewhere(connection: BetterSqlite3.Database): WalSync {
  let file: number | undefined;
  let broken: AssetError | undefined;

  /** After one that failed the next may succeed for nothing: what was lost is not tried again by the system. */
  async function syncOnce(): Promise<void> {
    if (broken !== undefined) throw broken;
    try {
      file ??= openSync(`${connection.name}-wal`, 'r+');
      await syncData(file);
    } catch (error) {
      broken = notDurable(connection.name, error);
      throw broken;
    }
  }

  connection.pragma('synchronous = NORMAL');
  return {
    durable: sharedTurns(syncOnce),
    failure: () => broken,
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

function notDurable(path: string, cause: unknown): AssetError {
  const code = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
  return new AssetError('UNAVAILABLE', `the database ${path} could not be written to the disk${code}`, {
    hint: 'Check the disk, its free space and the system log, then run asset-cli db status.',
    cause,
  });
}
