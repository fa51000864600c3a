import { readdirSync } from 'node:fs';
import { MARKER_KEY } from '../../core/marker-key.ts';
import { compareBytes } from '../byte-order.ts';
import { errorCode } from './errors.ts';
import { isTemporaryName } from './root.ts';

export interface FilesWanted {
  /** The store's directory. */
  root: string;
  /** Where to begin, relative to the root: empty, or with a `/` at its end. */
  top: string;
  prefix: string;
  startAfter: string | undefined;
  /** Temporary files alone, or all others. */
  temporary: boolean;
}

/**
 * The paths of files, relative to the root and in their byte order; holds one directory's names at a time and level.
 * Below a deeper marker lies another store, of which only the marker is seen. Synchronous: a store has many small
 * directories, and each would cost a turn of the thread pool.
 */
export function* findFiles({ root, top, prefix, startAfter, temporary }: FilesWanted): Generator<string> {
  const mayHold = (directory: string) => {
    if (!directory.startsWith(prefix) && !prefix.startsWith(directory)) return false;
    if (startAfter === undefined || startAfter.startsWith(directory)) return true;
    return compareBytes(directory, startAfter) > 0;
  };
  const isWanted = (path: string) =>
    path.startsWith(prefix) && (startAfter === undefined || compareBytes(path, startAfter) > 0);

  // Not by recursion: each of a million names would be handed up through every level.
  const levels = [pathsIn(root, top, temporary)];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { value: path } = level.next();
    if (path === undefined) {
      levels.pop();
    } else if (path.endsWith('/')) {
      if (mayHold(path)) levels.push(pathsIn(root, path, temporary));
    } else if (isWanted(path)) {
      yield path;
    }
  }
}

/** A directory's path ends with `/`, which is where its keys sort. */
function pathsIn(root: string, directory: string, temporary: boolean): Iterator<string> {
  const entries = readDirectory(`${root}/${directory}`);
  const isNestedStore = directory !== '' && entries.some(({ name }) => name === MARKER_KEY);
  const names: string[] = [];
  for (const entry of entries) {
    const { name } = entry;
    if (isNestedStore && name !== MARKER_KEY) continue;
    if (entry.isDirectory()) names.push(`${name}/`);
    else if (entry.isFile() && isTemporaryName(name) === temporary) names.push(name);
  }
  names.sort(compareBytes);
  return names.map((name) => directory + name).values();
}

function readDirectory(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    // Removed since its parent was read.
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
