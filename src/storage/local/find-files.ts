import fs, { type BigIntStats } from 'node:fs';
import { MARKER_KEY } from '../../core/marker-key.ts';
import { startThread } from '../../core/thread.ts';
import { compareBytes } from '../byte-order.ts';
import { TEMPORARY_PREFIX } from './root.ts';

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

export interface FoundFile {
  /** Relative to the root. */
  path: string;
  size: number;
  mtimeMs: number;
  mtimeNs: string;
}

/** Files in byte order of their paths; holds one directory's names at a time and level. */
export function findFiles(wanted: FilesWanted): Generator<FoundFile> {
  return walk(fs, compareBytes, { ...NAMES, ...wanted });
}

/**
 * The same, found by a thread of its own while the caller is busy with those before.
 * @throws what findFiles throws
 */
export async function* findFilesElsewhere(wanted: FilesWanted): AsyncGenerator<FoundFile[]> {
  const thread = startThread<FilesAsked, FilesAnswer>(THREAD);
  const ask = () => {
    const answer = thread.ask({ ...NAMES, ...wanted, most: FILES_AT_ONCE });
    // A failure is met at its own turn; until then it must not count as unhandled.
    answer.catch(() => undefined);
    return answer;
  };
  const asked = Array.from({ length: ANSWERS_AHEAD }, ask);
  try {
    for (let next = asked.shift(); next !== undefined; next = asked.shift()) {
      const answer = await next;
      asked.push(ask());
      const files = unpack(answer);
      yield files;
      if (answer.failure !== undefined) throw Object.assign(new Error(answer.failure.message), answer.failure);
      if (files.length < FILES_AT_ONCE) return;
    }
  } finally {
    await thread.end();
  }
}

const NAMES = { temporaryPrefix: TEMPORARY_PREFIX, markerName: MARKER_KEY };
const FILES_AT_ONCE = 500;
const ANSWERS_AHEAD = 4;

type WalkRequest = FilesWanted & typeof NAMES;
type FilesAsked = WalkRequest & { most: number };

interface FilesAnswer {
  /** Path and mtimeNs of each, with NULs between: one text is handed over much faster than many. */
  text: string;
  /** Size and mtimeMs of each. */
  numbers: Float64Array;
  failure?: { code: string; syscall: string; message: string };
}

/**
 * Below a deeper marker lies another store, of which only the marker is seen. Synchronous: a store has many small
 * directories, and each would cost a turn of the thread pool. Names nothing that is outside of it: the thread is given
 * its text.
 */
function* walk(
  { readdirSync, lstatSync }: Pick<typeof fs, 'readdirSync' | 'lstatSync'>,
  compare: (a: string, b: string) => number,
  { root, top, prefix, startAfter, temporary, temporaryPrefix, markerName }: WalkRequest,
): Generator<FoundFile> {
  // A directory's path ends with `/`, which is where its keys sort.
  const pathsIn = (directory: string) => {
    const entries = readDirectory(`${root}/${directory}`);
    const isNestedStore = directory !== '' && entries.some(({ name }) => name === markerName);
    const paths: string[] = [];
    for (const entry of entries) {
      const { name } = entry;
      if (isNestedStore && name !== markerName) continue;
      if (entry.isDirectory()) paths.push(`${directory}${name}/`);
      else if (entry.isFile() && name.startsWith(temporaryPrefix) === temporary) paths.push(directory + name);
    }
    return paths.sort(compare).values();
  };
  const readDirectory = (path: string) => {
    try {
      return readdirSync(path, { withFileTypes: true });
    } catch (error) {
      // Removed since its parent was read.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  };
  const mayHold = (directory: string) => {
    if (!directory.startsWith(prefix) && !prefix.startsWith(directory)) return false;
    if (startAfter === undefined || startAfter.startsWith(directory)) return true;
    return compare(directory, startAfter) > 0;
  };
  const isWanted = (path: string) =>
    path.startsWith(prefix) && (startAfter === undefined || compare(path, startAfter) > 0);
  const foundFile = (path: string, { size, mtimeMs, mtimeNs }: BigIntStats) => {
    return { path, size: Number(size), mtimeMs: Number(mtimeMs), mtimeNs: String(mtimeNs) };
  };

  // Not by recursion: each of a million names would be handed up through every level.
  const levels = [pathsIn(top)];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { value: path } = level.next();
    if (path === undefined) {
      levels.pop();
    } else if (path.endsWith('/')) {
      if (mayHold(path)) levels.push(pathsIn(path));
    } else if (isWanted(path)) {
      const stats = lstatSync(`${root}/${path}`, { bigint: true, throwIfNoEntry: false });
      if (stats?.isFile()) yield foundFile(path, stats);
    }
  }
}

/** Names nothing that is outside of it: the thread is given its text. */
function pack(files: Iterator<FoundFile>, most: number): FilesAnswer {
  const texts: string[] = [];
  const numbers: number[] = [];
  let failure: FilesAnswer['failure'];
  try {
    for (let count = 0; count < most; count += 1) {
      const { value: file, done } = files.next();
      if (done === true) break;
      texts.push(file.path, file.mtimeNs);
      numbers.push(file.size, file.mtimeMs);
    }
  } catch (error) {
    const { code, syscall, message } = Object(error);
    failure = { code, syscall, message };
  }
  return { text: texts.join('\0'), numbers: Float64Array.from(numbers), ...(failure && { failure }) };
}

function unpack({ text, numbers }: FilesAnswer): FoundFile[] {
  const texts = text.split('\0');
  const files: FoundFile[] = [];
  for (let at = 0; at < numbers.length; at += 2) {
    files.push({
      path: texts[at] ?? '',
      size: numbers[at] ?? 0,
      mtimeMs: numbers[at + 1] ?? 0,
      mtimeNs: texts[at + 1] ?? '',
    });
  }
  return files;
}

const THREAD = `
const fs = require('node:fs');
const { parentPort } = require('node:worker_threads');
const walk = ${walk};
const compare = ${compareBytes};
const pack = ${pack};
let files;
parentPort.on('message', (asked) => {
  files ??= walk(fs, compare, asked);
  parentPort.postMessage(pack(files, asked.most));
});
`;
