import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from './errors.ts';
import type { LocalRoot } from './root.ts';
import { directoryOf } from './root.ts';

const run = promisify(execFile);

export interface Durability {
  /** Makes one published file's name durable, and those of the directories made for it. */
  syncNames(key: string): Promise<void>;
  /** Remembers a file of a group until the flush. */
  defer(key: string): void;
  flush(): Promise<void>;
  /** Makes it durable that names went from these directories, relative to the root. */
  syncDirectories(directories: readonly string[]): Promise<void>;
}

/** Up to so many directories are synced one by one, which disturbs nobody else's writes. */
const MOST_SINGLY = 8;

/**
 * A group is made durable by one syncfs of each file system it touched (`sync -f` of coreutils);
 * where that does not exist, file by file.
 */
export function createDurability(root: LocalRoot): Durability {
  let deferred: string[] = [];

  async function syncNames(key: string): Promise<void> {
    await syncPath(join(root.path, directoryOf(key)));
    await syncNewDirectories();
  }

  async function syncNewDirectories(): Promise<void> {
    for (const [directory, change] of [...root.unsynced]) {
      await syncPath(directory, true);
      if (root.unsynced.get(directory) === change) root.unsynced.delete(directory);
    }
  }

  async function flush(): Promise<void> {
    const keys = deferred;
    deferred = [];
    if (keys.length === 0) return;
    if (process.platform === 'linux' && (await syncFileSystems([...root.devices.values()]))) {
      const rootsParent = dirname(root.path);
      if (root.unsynced.has(rootsParent)) await syncPath(rootsParent);
      root.unsynced.clear();
      return;
    }
    await syncEach(keys);
  }

  async function syncDirectories(directories: readonly string[]): Promise<void> {
    const many = directories.length > MOST_SINGLY && process.platform === 'linux';
    if (many && (await syncFileSystems([...root.devices.values()]))) return;
    // Whoever removed a directory meanwhile makes that durable.
    for (const directory of directories) await syncPath(join(root.path, directory), true);
  }

  async function syncEach(keys: readonly string[]): Promise<void> {
    // A file or directory that was deleted since needs no durability.
    for (const key of keys) await syncPath(join(root.path, key), true);
    for (const directory of new Set(keys.map(directoryOf))) await syncPath(join(root.path, directory), true);
    await syncNewDirectories();
  }

  return { syncNames, defer: (key) => deferred.push(key), flush, syncDirectories };
}

/** False if there is no such command; a flush that fails rejects. */
async function syncFileSystems(paths: readonly string[]): Promise<boolean> {
  try {
    await run('sync', ['-f', '--', ...paths]);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw asSystemError(error);
  }
}

/** The child's complaint as an I/O error, which is what a failed syncfs is. */
function asSystemError(error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(reason, { cause: error }), { code: 'EIO', syscall: 'syncfs' });
}

async function syncPath(path: string, mayBeGone = false): Promise<void> {
  try {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (mayBeGone && errorCode(error) === 'ENOENT') return;
    throw error;
  }
}
