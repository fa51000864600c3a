import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { MARKER_KEY } from '../../core/marker-key.ts';
import { parseStorageKey, type StorageKey } from '../../core/storage-key.ts';
import type { AbandonedUpload, ListOptions, StoredObject } from '../backend.ts';
import { compareBytes } from '../byte-order.ts';
import { createPacer } from '../pacer.ts';
import { errorCode } from './errors.ts';
import { isTemporaryName, type LocalRoot } from './root.ts';
import { describeFile } from './stat.ts';

interface Entry {
  /** Relative to the root; a directory's ends with `/`, which is where its keys sort. */
  path: string;
  name: string;
  isDirectory: boolean;
}

/** Objects in byte order of their whole keys; holds one directory's names at a time and level. */
export async function* listObjects(
  root: LocalRoot,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<StoredObject> {
  const pace = createPacer();
  const top = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (!isWalkable(root, top)) return;
  for (const entry of walk(root, top, (path) => mayHold(path, prefix, options.startAfter))) {
    options.signal?.throwIfAborted();
    const pause = pace();
    if (pause !== undefined) await pause;
    if (isTemporaryName(entry.name) || !entry.path.startsWith(prefix)) continue;
    if (options.startAfter !== undefined && compareBytes(entry.path, options.startAfter) <= 0) continue;
    const object = describe(root, entry.path);
    if (object !== undefined) yield object;
  }
}

/** Temporary files that an interrupted put left behind. */
export async function* listTemporaryFiles(root: LocalRoot, olderThan: Date): AsyncGenerator<AbandonedUpload> {
  for (const entry of walk(root, '', () => true)) {
    if (!isTemporaryName(entry.name)) continue;
    const path = join(root.path, entry.path);
    const stats = lstatIfThere(path);
    if (stats === undefined || Number(stats.mtimeMs) >= olderThan.getTime()) continue;
    yield {
      id: entry.path,
      key: entry.path,
      startedAt: new Date(Number(stats.mtimeMs)),
      discard: () => unlink(path),
    };
  }
}

/** Whether the directory that a prefix names is there; a missing root rejects. */
function isWalkable(root: LocalRoot, top: string): boolean {
  root.enter('');
  try {
    if (top.split('/').some((segment) => segment === '.' || segment === '..')) return false;
    root.enter(top.replace(/\/$/, ''));
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

/** Not by recursion: each of a million names would be handed up through every level. */
function* walk(root: LocalRoot, top: string, isWanted: (directory: string) => boolean): Generator<Entry> {
  const levels = [readEntries(root, top).values()];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { value: entry } = level.next();
    if (entry === undefined) levels.pop();
    else if (!entry.isDirectory) yield entry;
    else if (isWanted(entry.path)) levels.push(readEntries(root, entry.path).values());
  }
}

/** One directory's entries in order; below a deeper marker lies another store, of which only the marker is seen. */
function readEntries(root: LocalRoot, directory: string): Entry[] {
  const found = readDirectory(join(root.path, directory));
  const isNestedStore = directory !== '' && found.some((entry) => entry.name === MARKER_KEY);
  const entries: Entry[] = [];
  for (const entry of found) {
    if (isNestedStore && entry.name !== MARKER_KEY) continue;
    const isDirectory = entry.isDirectory();
    if (!isDirectory && !entry.isFile()) continue;
    entries.push({ path: `${directory}${entry.name}${isDirectory ? '/' : ''}`, name: entry.name, isDirectory });
  }
  return entries.sort((a, b) => compareBytes(a.path, b.path));
}

/** Not by a promise: a store has many small directories, and each would cost a turn of the thread pool. */
function readDirectory(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    // Removed since its parent was read.
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function mayHold(directory: string, prefix: string, startAfter: string | undefined): boolean {
  if (!directory.startsWith(prefix) && !prefix.startsWith(directory)) return false;
  if (startAfter === undefined || startAfter.startsWith(directory)) return true;
  return compareBytes(directory, startAfter) > 0;
}

/** Undefined for a file that went meanwhile, and for a name that no key can have. */
function describe(root: LocalRoot, path: string): StoredObject | undefined {
  const key = asKey(path);
  // Not by join, which would normalise a million paths that are normal.
  const stats = lstatIfThere(`${root.path}/${path}`);
  return key === undefined || stats?.isFile() !== true ? undefined : describeFile(key, stats);
}

function lstatIfThere(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function asKey(path: string): StorageKey | undefined {
  try {
    return parseStorageKey(path);
  } catch {
    return undefined;
  }
}
