import { isUtf8 } from 'node:buffer';
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import picomatch from 'picomatch';
import type { Spool } from '../../content/reading/spool.ts';
import { AssetError } from '../../core/errors.ts';
import { MARKER_KEY } from '../../core/marker-key.ts';

/** One thing to upload. */
export interface UploadSource {
  /** As the user gave it, or found below it: what messages call it. `-` is standard input. */
  label: string;
  path: string;
  /** The original file name that the asset gets. */
  name: string;
  /** The name was made up and has no extension yet. */
  isNameGenerated?: boolean;
  /** Below a directory that was given: the path relative to it, with `/`. */
  relativePath?: string;
  /** What was taken in already, instead of a file. */
  spool?: Spool;
  /** It was found to be unusable before it was opened. */
  problem?: AssetError;
}

export interface SourceOptions {
  /** Globs over the path relative to the given directory (a pattern without `/`: over the base name). */
  include: readonly string[];
  exclude: readonly string[];
  /** Replaces the base name of a single source. */
  name?: string;
  /** Told in a sentence, for each directory that was given, what below it is not uploaded although nobody excluded it. */
  warn?: (message: string) => void;
}

/**
 * Yields the files that the paths name: a file itself, a directory's files in byte order of their
 * names, recursively. Symbolic links inside directories are not followed; one that is named by the
 * user is. A directory that is a store of a catalog is left out: its files are assets already.
 */
export async function* findSources(paths: readonly string[], options: SourceOptions): AsyncGenerator<UploadSource> {
  for (const path of paths) {
    const kind = await kindOf(path);
    if (kind instanceof AssetError) yield { label: path, path, name: basename(path), problem: kind };
    else if (kind === 'directory') yield* filesBelow(path, options);
    else yield { label: path, path, name: options.name ?? basename(path) };
  }
}

async function kindOf(path: string): Promise<'file' | 'directory' | AssetError> {
  try {
    // A link that the user names is meant, wherever it leads.
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch (error) {
    return pathError(path, error);
  }
}

function pathError(path: string, error: unknown): AssetError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new AssetError('PATH_NOT_FOUND', `There is no file ${path}`, { hint: 'Check the path.', cause: error });
  }
  return new AssetError('FILE_UNREADABLE', `${path} cannot be read`, {
    hint: 'Check the permissions of the file and of its directories.',
    cause: error,
  });
}

/** One directory that was given, while it is walked. */
interface Walk {
  root: string;
  selected: (path: string) => boolean;
  files: number;
  /** Symbolic links, devices, sockets and pipes. */
  notFiles: string[];
  stores: string[];
}

async function* filesBelow(root: string, options: SourceOptions): AsyncGenerator<UploadSource> {
  const walk: Walk = { root, selected: makeSelector(options), files: 0, notFiles: [], stores: [] };
  yield* walkDirectory(walk, root);
  for (const sentence of leftOut(walk)) options.warn?.(sentence);
}

function* leftOut({ root, files, notFiles, stores }: Walk): Generator<string> {
  for (const store of stores) yield `${store} is a store of assets and is left out`;
  const [first] = notFiles;
  const more = notFiles.length > 1 ? ` and ${notFiles.length - 1} more` : '';
  if (first !== undefined)
    yield `${first}${more} left out: only files are stored, links in directories are not followed`;
  if (files === 0) yield `no file below ${root} is selected`;
}

async function* walkDirectory(walk: Walk, directory: string): AsyncGenerator<UploadSource> {
  let entries: Entry[];
  try {
    entries = await readEntries(directory);
  } catch (error) {
    yield* refuse(walk, directory, pathError(directory, error));
    return;
  }
  if (entries.some(({ name }) => name === MARKER_KEY)) {
    walk.stores.push(directory);
    return;
  }
  entries.sort((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)));
  for (const { name, kind, isMisread } of entries) {
    const path = join(directory, name);
    if (kind === 'directory') yield* isMisread ? refuse(walk, path, unusableName(path)) : walkDirectory(walk, path);
    else if (kind === 'file') yield* selectFile(walk, path, isMisread);
    else if (walk.selected(relativeTo(walk.root, path))) walk.notFiles.push(path);
  }
}

/** A directory that cannot be read: whether any file below it was selected is not known. */
function* refuse(walk: Walk, directory: string, problem: AssetError): Generator<UploadSource> {
  walk.files += 1;
  yield { label: directory, path: directory, name: basename(directory), problem };
}

interface Entry {
  name: string;
  kind: 'file' | 'directory' | 'other';
  /** A name of other bytes than UTF-8 is read with replacement characters, and leads nowhere, or to another file. */
  isMisread: boolean;
}

/** As bytes only where it matters: a million names take as much memory again as bytes. */
async function readEntries(directory: string): Promise<Entry[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  if (!entries.some(({ name }) => name.includes('\uFFFD'))) return entries.map((entry) => toEntry(entry, entry.name));
  const asBytes = await readdir(directory, { withFileTypes: true, encoding: 'buffer' });
  return asBytes.map((entry) => ({ ...toEntry(entry, entry.name.toString()), isMisread: !isUtf8(entry.name) }));
}

function toEntry(entry: Pick<Dirent, 'isDirectory' | 'isFile'>, name: string): Entry {
  return { name, kind: entry.isDirectory() ? 'directory' : entry.isFile() ? 'file' : 'other', isMisread: false };
}

function* selectFile(walk: Walk, path: string, isMisread: boolean): Generator<UploadSource> {
  const relativePath = relativeTo(walk.root, path);
  if (!walk.selected(relativePath)) return;
  walk.files += 1;
  const source = { label: path, path, name: basename(path), relativePath };
  yield isMisread ? { ...source, problem: unusableName(path) } : source;
}

function relativeTo(root: string, path: string): string {
  return relative(root, path).split(sep).join('/');
}

function unusableName(path: string): AssetError {
  return new AssetError('USAGE', `The name of ${path} is not valid UTF-8`, {
    hint: 'Rename it, for example by convmv.',
  });
}

function makeSelector(options: SourceOptions): (path: string) => boolean {
  const included = options.include.map(matcher);
  const excluded = options.exclude.map(matcher);
  return (path) => {
    if (included.length > 0 && !included.some((matches) => matches(path))) return false;
    return !excluded.some((matches) => matches(path));
  };
}

function matcher(glob: string): (path: string) => boolean {
  const matches = picomatch(glob, { dot: true });
  if (glob.includes('/')) return matches;
  return (path) => matches(basename(path));
}
