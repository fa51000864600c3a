import { rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageKey } from '../../core/storage-key.ts';
import type { CallOptions, DeleteFailure } from '../backend.ts';
import { createPacer } from '../pacer.ts';
import { StorageError } from '../storage-error.ts';
import type { Durability } from './durability.ts';
import { errorCode, translateLocalError } from './errors.ts';
import { directoryOf, type LocalRoot } from './root.ts';

/** Removes files and the directories that this leaves empty, durably. */
export async function removeObjects(
  { root, durability }: { root: LocalRoot; durability: Durability },
  keys: readonly StorageKey[],
  options: CallOptions,
): Promise<DeleteFailure[]> {
  root.forget('');
  root.enter('');
  durability.forget(keys);
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
  await durability.syncDirectories(removeEmptyDirectories(root, directories));
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

/** Removes those that are empty and goes up, deepest first, so that each is looked at once; gives those that stay. */
function removeEmptyDirectories(root: LocalRoot, directories: ReadonlySet<string>): string[] {
  const levels: Set<string>[] = [];
  const note = (directory: string) => {
    const depth = directory === '' ? 0 : directory.split('/').length;
    levels[depth] ??= new Set();
    levels[depth].add(directory);
  };
  const left: string[] = [];
  for (const directory of directories) note(directory);
  for (let depth = levels.length - 1; depth >= 0; depth -= 1) {
    for (const directory of levels[depth] ?? []) {
      if (directory !== '' && removeIfEmpty(root, directory)) note(directoryOf(directory));
      else left.push(directory);
    }
  }
  return left;
}

/** True if it is gone, by this or another's doing. */
function removeIfEmpty(root: LocalRoot, directory: string): boolean {
  try {
    rmdirSync(join(root.path, directory));
  } catch (error) {
    // Anything but "already gone" means that it stays: not empty, or not ours to remove.
    if (errorCode(error) !== 'ENOENT') return false;
  }
  root.forget(directory);
  return true;
}

function asFailure(error: unknown, root: LocalRoot, key: StorageKey): Error {
  const translated = translateLocalError(error, { backend: root.backend, root: root.path, key });
  if (translated instanceof Error) return translated;
  return new StorageError('UNAVAILABLE', 'the file system failed', { backend: root.backend, key, cause: error });
}
