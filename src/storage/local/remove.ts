import { closeSync, fsync as fsyncCallback, openSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { StorageKey } from '../../core/storage-key.ts';
import type { CallOptions, DeleteFailure } from '../backend.ts';
import { createPacer } from '../pacer.ts';
import { StorageError } from '../storage-error.ts';
import { errorCode, translateLocalError } from './errors.ts';
import { directoryOf, type LocalRoot } from './root.ts';

const fsync = promisify(fsyncCallback);

/** Removes files and the directories that this leaves empty, durably. */
export async function removeObjects(
  root: LocalRoot,
  keys: readonly StorageKey[],
  options: CallOptions,
): Promise<DeleteFailure[]> {
  root.forget('');
  root.enter('');
  const pace = createPacer();
  const failures: DeleteFailure[] = [];
  const directories = new Set<string>();
  for (const key of keys) {
    options.signal?.throwIfAborted();
    await pace();
    try {
      if (removeFile(root, key)) directories.add(directoryOf(key));
    } catch (error) {
      failures.push({ key, error: asFailure(error, root, key) });
    }
  }
  for (const directory of directories) await syncDirectory(root, removeEmptyDirectories(root, directory));
  return failures;
}

function removeFile(root: LocalRoot, key: StorageKey): boolean {
  try {
    unlinkSync(root.locate(key));
    return true;
  } catch (error) {
    // EISDIR (Linux) and EPERM on a directory: nothing that is an object stands there.
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

/** Goes up until a directory is not empty; gives the lowest one that stays. */
function removeEmptyDirectories(root: LocalRoot, directory: string): string {
  for (let current = directory; current !== ''; current = directoryOf(current)) {
    try {
      rmdirSync(join(root.path, current));
    } catch (error) {
      // Anything but "already gone" means that it stays: not empty, or not ours to remove.
      if (errorCode(error) !== 'ENOENT') return current;
    }
    root.forget(current);
  }
  return '';
}

async function syncDirectory(root: LocalRoot, directory: string): Promise<void> {
  let descriptor: number;
  try {
    descriptor = openSync(join(root.path, directory), 'r');
  } catch (error) {
    // A concurrent delete took it; whoever did makes the parent durable.
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  try {
    await fsync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function asFailure(error: unknown, root: LocalRoot, key: StorageKey): Error {
  const translated = translateLocalError(error, { backend: root.backend, root: root.path, key });
  if (translated instanceof Error) return translated;
  return new StorageError('UNAVAILABLE', 'the file system failed', { backend: root.backend, key, cause: error });
}
