import { type BigIntStats, lstatSync } from 'node:fs';
import type { StorageKey } from '../../core/storage-key.ts';
import type { StoredObject } from '../backend.ts';
import { StorageError } from '../storage-error.ts';
import type { LocalRoot } from './root.ts';

interface FileFacts {
  size: number | bigint;
  mtimeMs: number | bigint;
  mtimeNs: string | bigint;
}

export function describeFile(key: StorageKey, { size, mtimeMs, mtimeNs }: FileFacts): StoredObject {
  return {
    key,
    size: Number(size),
    etag: `${size}-${mtimeNs}`,
    lastModified: new Date(Number(mtimeMs)),
    checksums: {},
  };
}

export function statObject(root: LocalRoot, key: StorageKey): StoredObject {
  const path = root.locate(key);
  const stats = lstatSync(path, { bigint: true });
  requireFile(stats, root.backend, key);
  return describeFile(key, stats);
}

/** Whatever it leads to is not what was put here. */
export function linkInPlace(backend: string, key: string, cause?: unknown): StorageError {
  const message = 'a symbolic link stands in the place of the object; links are not followed';
  return new StorageError('INTEGRITY', message, { backend, key, cause });
}

/** A directory, device or pipe under the key is not an object; a symbolic link is not followed. */
export function requireFile(stats: BigIntStats, backend: string, key: string): void {
  if (stats.isFile()) return;
  if (stats.isSymbolicLink()) throw linkInPlace(backend, key);
  throw new StorageError('NOT_FOUND', 'nothing is stored under this key', { backend, key });
}
