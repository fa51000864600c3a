import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import picomatch from 'picomatch';
import { AssetError } from '../core/errors.ts';

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
  /** It was found to be unusable before it was opened. */
  problem?: AssetError;
}

export interface SourceOptions {
  /** Globs over the path relative to the given directory (a pattern without `/`: over the base name). */
  include: readonly string[];
  exclude: readonly string[];
  /** Replaces the base name of a single source. */
  name?: string;
}

/**
 * Yields the files that the paths name: a file itself, a directory's files in byte order of their
 * names, recursively. Symbolic links inside directories are not followed; one that is named by the
 * user is.
 */
export async function* findSources(paths: readonly string[], options: SourceOptions): AsyncGenerator<UploadSource> {
  const selected = makeSelector(options);
  for (const path of paths) {
    const kind = await kindOf(path);
    if (kind instanceof AssetError) yield { label: path, path, name: basename(path), problem: kind };
    else if (kind === 'directory') yield* walk(path, path, selected);
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

async function* walk(
  root: string,
  directory: string,
  selected: (path: string) => boolean,
): AsyncGenerator<UploadSource> {
  let entries: Dirent[];
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch (error) {
    yield { label: directory, path: directory, name: basename(directory), problem: pathError(directory, error) };
    return;
  }
  entries.sort((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)));
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      yield* walk(root, path, selected);
      continue;
    }
    const relativePath = relative(root, path).split(sep).join('/');
    if (entry.isFile() && selected(relativePath)) yield { label: path, path, name: entry.name, relativePath };
  }
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
