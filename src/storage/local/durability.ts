import { execFile } from 'node:child_process';
import { closeSync, fsync as fsyncCallback, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { sharedTurns } from '../../core/shared-turns.ts';
import { errorCode } from './errors.ts';
import type { LocalRoot } from './root.ts';
import { directoryOf } from './root.ts';

const run = promisify(execFile);
const fsync = promisify(fsyncCallback);

export interface Durability {
  /** Makes one published file's name durable, and those of the directories made for it. */
  syncNames(key: string): Promise<void>;
  /** Takes over an open file of a group until it is flushed or forgotten. */
  defer(key: string, descriptor: number): void;
  /** Each group by its own keys: of one that fails no other group is taken to be durable. */
  flush(keys: readonly string[]): Promise<void>;
  /** What is removed needs no durability. */
  forget(keys: readonly string[]): void;
  /** Closes files of a group that nobody flushed. */
  release(): void;
  /** Makes it durable that names went from these directories, relative to the root. */
  syncDirectories(directories: readonly string[]): Promise<void>;
}

/** Up to so many directories are synced one by one, which disturbs nobody else's writes. */
const MOST_SINGLY = 8;
/** Up to so many files are kept open and synced at once, which takes less than a syncfs and the process for it. */
const MOST_KEPT_OPEN = 100;

/**
 * A group is made durable by one syncfs of each file system it touched (`sync -f` of coreutils);
 * where that does not exist, file by file.
 */
export function createDurability(root: LocalRoot): Durability {
  const keptOpen = new Map<string, number>();
  let reported: Error | undefined;

  /** After a failure that the system has told the next may succeed for nothing: it tells a lost write but once. */
  const syncAll = sharedTurns(async () => {
    if (reported !== undefined) throw reported;
    try {
      return await syncFileSystems([...root.devices.values()]);
    } catch (error) {
      if (error instanceof FailedSync && error.isTold) reported = error;
      throw error;
    }
  });

  async function syncNames(key: string): Promise<void> {
    await syncPath(join(root.path, directoryOf(key)));
    await syncNewDirectories();
  }

  async function syncNewDirectories(): Promise<void> {
    for (const [directory, change] of [...root.unsynced]) {
      await syncPath(directory, true);
      noteSynced(directory, change);
    }
  }

  /** Unless it got another new entry meanwhile. */
  function noteSynced(directory: string, change: number): void {
    if (root.unsynced.get(directory) === change) root.unsynced.delete(directory);
  }

  async function flush(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const descriptors = takeOpen(keys);
    if (descriptors.length === keys.length) {
      await syncOpen(descriptors);
      return syncNamesOf(keys);
    }
    for (const descriptor of descriptors) closeSync(descriptor);
    const newDirectories = [...root.unsynced];
    if (process.platform === 'linux' && (await syncAll())) {
      const rootsParent = dirname(root.path);
      if (root.unsynced.has(rootsParent)) await syncPath(rootsParent);
      for (const [directory, change] of newDirectories) noteSynced(directory, change);
      return;
    }
    await syncEach(keys);
  }

  function takeOpen(keys: readonly string[]): number[] {
    return keys.flatMap((key) => {
      const descriptor = keptOpen.get(key);
      keptOpen.delete(key);
      return descriptor ?? [];
    });
  }

  async function syncDirectories(directories: readonly string[]): Promise<void> {
    const many = directories.length > MOST_SINGLY && process.platform === 'linux';
    if (many && (await syncAll())) return;
    // Whoever removed a directory meanwhile makes that durable.
    for (const directory of directories) await syncPath(join(root.path, directory), true);
  }

  async function syncEach(keys: readonly string[]): Promise<void> {
    // A file or directory that was deleted since needs no durability.
    for (const key of keys) await syncPath(join(root.path, key), true);
    await syncNamesOf(keys);
  }

  async function syncNamesOf(keys: readonly string[]): Promise<void> {
    for (const directory of new Set(keys.map(directoryOf))) await syncPath(join(root.path, directory), true);
    await syncNewDirectories();
  }

  function defer(key: string, descriptor: number): void {
    forget([key]);
    if (keptOpen.size < MOST_KEPT_OPEN) keptOpen.set(key, descriptor);
    else closeSync(descriptor);
  }

  function forget(keys: readonly string[]): void {
    for (const descriptor of takeOpen(keys)) closeSync(descriptor);
  }

  return { syncNames, defer, flush, forget, release: () => forget([...keptOpen.keys()]), syncDirectories };
}

/** Closes every file, whichever of them cannot be synced. */
async function syncOpen(descriptors: readonly number[]): Promise<void> {
  const results = await Promise.allSettled(descriptors.map((descriptor) => fsync(descriptor)));
  for (const descriptor of descriptors) closeSync(descriptor);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** As an I/O error, which is what a failed syncfs is. */
class FailedSync extends Error {
  readonly code = 'EIO';
  readonly syscall = 'syncfs';
  /** The command ran, and was told of a failure. */
  readonly isTold: boolean;

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.isTold = cause instanceof Error && 'code' in cause && typeof cause.code === 'number';
  }
}

/**
 * False if there is no such command.
 * @throws FailedSync
 */
async function syncFileSystems(paths: readonly string[]): Promise<boolean> {
  try {
    await run('sync', ['-f', '--', ...paths]);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw new FailedSync(error);
  }
}

/** Only the sync itself is worth the way to another thread and back. */
async function syncPath(path: string, mayBeGone = false): Promise<void> {
  try {
    const descriptor = openSync(path, 'r');
    try {
      await fsync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (mayBeGone && errorCode(error) === 'ENOENT') return;
    throw error;
  }
}
