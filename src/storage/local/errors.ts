import { StorageError, type StorageErrorKind } from '../storage-error.ts';

const KINDS: Readonly<Record<string, StorageErrorKind>> = {
  ENOENT: 'NOT_FOUND',
  ENOTDIR: 'NOT_FOUND',
  EEXIST: 'CONFLICT',
  EISDIR: 'CONFLICT',
  ENOTEMPTY: 'CONFLICT',
  ENOSPC: 'FULL',
  EDQUOT: 'FULL',
  EFBIG: 'FULL',
  EROFS: 'READ_ONLY',
  EACCES: 'DENIED',
  EPERM: 'DENIED',
  ELOOP: 'DENIED',
  ENAMETOOLONG: 'UNSUPPORTED',
};

const EXPLANATIONS: Partial<Record<StorageErrorKind, string>> = {
  NOT_FOUND: 'nothing is stored under this key',
  CONFLICT: 'the key is taken',
  FULL: 'no space or quota is left on the file system',
  READ_ONLY: 'the file system is read-only',
  DENIED: 'the file system refuses access',
  UNSUPPORTED: 'the file system cannot hold a name this long',
  UNAVAILABLE: 'the file system failed',
};

/** A store's directory (LocalRoot), as far as an error needs it. */
interface StoreDirectory {
  readonly backend: string;
  absence(): string | undefined;
}

export interface LocalErrorContext {
  root: StoreDirectory;
  key?: string;
}

export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The one place where system errors become storage errors; others are passed through. */
export function translateLocalError(error: unknown, context: LocalErrorContext): unknown {
  const code = errorCode(error);
  if (error instanceof StorageError || code === undefined || !('syscall' in Object(error))) return error;
  const { root, key } = context;
  const options = { backend: root.backend, cause: error, ...(key === undefined ? {} : { key }) };
  const doubt = code === 'ENOENT' ? doubtIn(root, options) : undefined;
  if (doubt !== undefined) return doubt;
  const kind = KINDS[code] ?? 'UNAVAILABLE';
  // Which of the directories on the way refuses, the key does not say.
  const place = kind === 'DENIED' && error instanceof Error && 'path' in error ? ` to ${error.path}` : '';
  return new StorageError(kind, `${EXPLANATIONS[kind] ?? 'the file system failed'}${place} (${code})`, options);
}

type Details = ConstructorParameters<typeof StorageError>[2];

/** Why a file that is absent is no absent object; undefined if it is one. */
function doubtIn(root: StoreDirectory, options: Details): StorageError | undefined {
  try {
    const absence = root.absence();
    return absence === undefined ? undefined : new StorageError('STORE_MISSING', absence, options);
  } catch (error) {
    // Of a directory that cannot be looked at nothing is known.
    return new StorageError('UNAVAILABLE', 'the file system failed', { ...options, cause: error });
  }
}
