import { join } from 'node:path';
import { MARKER_KEY } from '../../core/marker-key.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { CallOptions, DeleteFailure } from '../backend.ts';
import { createPacer } from '../pacer.ts';
import { StorageError } from '../storage-error.ts';
import type { Durability } from './durability.ts';
import { errorCode, translateLocalError } from './errors.ts';
import type { NameRemover } from './remove-names.ts';
import { directoryOf, type LocalRoot } from './root.ts';

interface Place {
  root: LocalRoot;
  durability: Durability;
  names: NameRemover;
}

/** Files that are looked up and then removed together: soon, because a directory is believed in for half a second. */
const FILES_AT_ONCE = 500;

/** Removes files and the directories that this leaves empty, durably. */
export async function removeObjects(
  place: Place,
  keys: readonly StorageKey[],
  options: CallOptions,
): Promise<DeleteFailure[]> {
  const { root, durability } = place;
  root.forget('');
  root.enter('');
  durability.forget(keys);
  const failures: DeleteFailure[] = [];
  const directories = new Set<string>();
  for (let start = 0; start < keys.length; start += FILES_AT_ONCE) {
    options.signal?.throwIfAborted();
    const removal = await removeFiles(place, keys.slice(start, start + FILES_AT_ONCE));
    for (const key of removal.removed) directories.add(directoryOf(key));
    failures.push(...removal.failures);
  }
  await durability.syncDirectories(await removeEmptyDirectories(place, directories));
  if (keys.some((key) => key === MARKER_KEY)) root.forgetMarker();
  // What was absent may have been so because the disk went.
  root.confirm();
  return failures;
}

interface Removal {
  removed: StorageKey[];
  failures: DeleteFailure[];
}

async function removeFiles({ root, names }: Place, keys: readonly StorageKey[]): Promise<Removal> {
  const pace = createPacer();
  const removal: Removal = { removed: [], failures: [] };
  const note = (key: StorageKey, error: unknown) => {
    // EISDIR (Linux) and EPERM on a directory: nothing that is an object stands there.
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'].includes(errorCode(error) ?? '')) return;
    removal.failures.push({ key, error: asFailure(error, root, key) });
  };
  const located: { key: StorageKey; path: string }[] = [];
  for (const key of keys) {
    await pace();
    try {
      located.push({ key, path: root.locate(key) });
    } catch (error) {
      note(key, error);
    }
  }
  const codes = await names.remove({ call: 'unlink', paths: located.map(({ path }) => path) });
  for (const [index, { key, path }] of located.entries()) {
    const code = codes[index];
    if (code === undefined) removal.removed.push(key);
    else note(key, Object.assign(new Error(`${code}: unlink ${path}`), { code, syscall: 'unlink' }));
  }
  return removal;
}

/** Removes those that are empty and goes up, deepest first, so that each is looked at once; gives those that stay. */
async function removeEmptyDirectories(place: Place, directories: ReadonlySet<string>): Promise<string[]> {
  const levels: Set<string>[] = [];
  const note = (directory: string) => {
    const depth = directory === '' ? 0 : directory.split('/').length;
    levels[depth] ??= new Set();
    levels[depth].add(directory);
  };
  const left: string[] = [];
  for (const directory of directories) note(directory);
  for (let depth = levels.length - 1; depth >= 0; depth -= 1) {
    const level = [...(levels[depth] ?? [])];
    const gone = depth === 0 ? new Set<string>() : await removeIfEmpty(place, level);
    for (const directory of level) {
      if (gone.has(directory)) note(directoryOf(directory));
      else left.push(directory);
    }
  }
  return left;
}

/** Those that are gone, by this or another's doing. */
async function removeIfEmpty({ root, names }: Place, directories: readonly string[]): Promise<Set<string>> {
  const paths = directories.map((directory) => join(root.path, directory));
  const codes = await names.remove({ call: 'rmdir', paths });
  // Anything but "already gone" means that it stays: not empty, or not ours to remove.
  const gone = directories.filter((_, index) => codes[index] === undefined || codes[index] === 'ENOENT');
  for (const directory of gone) root.forget(directory);
  return new Set(gone);
}

function asFailure(error: unknown, root: LocalRoot, key: StorageKey): Error {
  const translated = translateLocalError(error, { root, key });
  if (translated instanceof Error) return translated;
  return new StorageError('UNAVAILABLE', 'the file system failed', { backend: root.backend, key, cause: error });
}
