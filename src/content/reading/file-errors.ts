import type { Stats } from 'node:fs';
import { AssetError } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import type { ContentRules } from '../content.ts';

function errnoOf(error: unknown): string | undefined {
  const isSystemError = error instanceof Error && 'syscall' in error && 'code' in error;
  return isSystemError && typeof error.code === 'string' ? error.code : undefined;
}

/** Why a file could not be opened or read, for its user; errors that are not the system's stay as they are. */
export function describeReadError(error: unknown, path: string): unknown {
  const name = escapeForTerminal(path);
  const errno = errnoOf(error);
  if (error instanceof AssetError || errno === undefined) return error;
  switch (errno) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new AssetError('PATH_NOT_FOUND', `There is no file ${name}`, { hint: 'Check the path.', cause: error });
    case 'EACCES':
    case 'EPERM':
      return new AssetError('FILE_UNREADABLE', `${name} may not be read`, {
        hint: 'Give this user the right to read it (chmod, chown).',
        cause: error,
      });
    case 'ENXIO':
      return notRegular(name, 'a socket or device');
    case 'EMFILE':
    case 'ENFILE':
      return new AssetError('UNAVAILABLE', `Too many files are open to read ${name}`, {
        hint: 'Raise the limit (ulimit -n) or lower --concurrency.',
        cause: error,
      });
    default:
      return new AssetError('FILE_UNREADABLE', `${name} could not be read: ${errno}`, {
        hint: 'Check the file and the disk or network share that it lies on.',
        cause: error,
      });
  }
}

/** Why a stream could not be kept in a temporary file. */
export function describeSpoolError(error: unknown, directory: string): unknown {
  const errno = errnoOf(error);
  if (error instanceof AssetError || errno === undefined) return error;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new AssetError('DISK_FULL', `No space left in ${directory} to keep the input while it is checked`, {
      hint: 'Free space there, or point TMPDIR to a larger disk.',
      cause: error,
    });
  }
  return new AssetError('CONFIG_INVALID', `No temporary file can be made in ${directory}: ${errno}`, {
    hint: 'Point TMPDIR to a directory that exists and can be written.',
    cause: error,
  });
}

export function refuseIrregular(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  throw notRegular(escapeForTerminal(path), kindOf(stats));
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  return stats.isFIFO() ? 'a pipe' : 'a socket or device';
}

function notRegular(name: string, kind: string): AssetError {
  return new AssetError('FILE_UNREADABLE', `${name} is ${kind}, not a regular file`, {
    hint: 'To store what a program writes, pipe it in and give - as the path.',
  });
}

/** @throws AssetError FILE_EMPTY, FILE_TOO_LARGE */
export function checkSize(name: string, size: number, rules: ContentRules): void {
  if (size === 0) {
    throw new AssetError('FILE_EMPTY', `${escapeForTerminal(name)} is empty`, {
      hint: 'Only files with content are stored.',
    });
  }
  if (size > rules.maxFileSize) throw tooLarge(name, rules, size);
}

/** `size`: missing where the content was not read to its end. */
export function tooLarge(name: string, rules: ContentRules, size?: number): AssetError {
  const { maxFileSize } = rules;
  const excess = size === undefined ? '' : ` (${size} bytes, and ${maxFileSize} are allowed)`;
  return new AssetError(
    'FILE_TOO_LARGE',
    `${escapeForTerminal(name)} is larger than ${formatSize(maxFileSize)}${excess}`,
    {
      hint: 'Raise limits.maxFileSize (or MAX_FILE_SIZE) if such files should be stored.',
      details: { maxFileSize, ...(size === undefined ? {} : { size }) },
    },
  );
}

export function fileChanged(name: string): AssetError {
  return new AssetError('FILE_CHANGED', `${escapeForTerminal(name)} changed while it was read`, {
    hint: 'Upload it again when nothing writes to it any more.',
  });
}
