import { AssetError } from '../../core/errors.ts';

/** In the user's words what the file system said of a file that is to be written; other errors as they are. */
export function asTargetError(error: unknown, path: string): unknown {
  switch (errorCode(error)) {
    case 'EEXIST':
      return targetExists(path);
    case 'ENOENT':
    case 'ENOTDIR':
      return new AssetError('PATH_NOT_FOUND', `The directory of ${path} does not exist`, {
        hint: 'Create it, or give another path.',
        cause: error,
      });
    case 'ENAMETOOLONG':
    case 'ELOOP':
      return new AssetError('PATH_NOT_FOUND', `${path} cannot be a file: ${errorCode(error)}`, {
        hint: 'Give another path.',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new AssetError('NOT_PERMITTED', `${path} cannot be written`, {
        hint: 'Check the permissions, or give another path.',
        cause: error,
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new AssetError('DISK_FULL', `There is no space left for ${path}`, {
        hint: 'Make room, or give another path.',
        cause: error,
      });
    default:
      return error;
  }
}

export function targetExists(path: string): AssetError {
  return new AssetError('TARGET_EXISTS', `${path} exists already`, {
    hint: 'Replace it with --force, or give another path.',
  });
}

export function isDirectory(path: string): AssetError {
  return new AssetError('TARGET_EXISTS', `${path} is a directory`, { hint: 'Give the path of a file.' });
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
