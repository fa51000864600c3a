import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStorageKey, type StorageKey } from '../../core/storage-key.ts';
import type { AbandonedUpload, ListOptions, StoredObject } from '../backend.ts';
import { createPacer } from '../pacer.ts';
import { errorCode } from './errors.ts';
import { type FilesWanted, type FoundFile, findFiles, findFilesElsewhere } from './find-files.ts';
import type { LocalRoot } from './root.ts';
import { describeFile } from './stat.ts';

/** Finding fewer takes no longer than starting a thread. */
const BULK = 5000;

/** Objects in byte order of their whole keys; in bulk a thread finds them while the caller is busy with those before. */
export async function* listObjects(
  root: LocalRoot,
  prefix: string,
  { startAfter, signal }: ListOptions,
): AsyncGenerator<StoredObject> {
  const top = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (!isWalkable(root, top)) return;
  const wanted: FilesWanted = { root: root.path, top, prefix, startAfter, temporary: false };
  for await (const files of inBatches(wanted)) {
    for (const file of files) {
      signal?.throwIfAborted();
      const object = describe(file);
      if (object !== undefined) yield object;
    }
  }
}

async function* inBatches(wanted: FilesWanted): AsyncGenerator<FoundFile[]> {
  const pace = createPacer();
  let count = 0;
  for (const file of findFiles(wanted)) {
    const pause = pace();
    if (pause !== undefined) await pause;
    yield [file];
    count += 1;
    if (count < BULK) continue;
    yield* findFilesElsewhere({ ...wanted, startAfter: file.path });
    return;
  }
}

/** Temporary files that an interrupted put left behind. */
export async function* listTemporaryFiles(root: LocalRoot, olderThan: Date): AsyncGenerator<AbandonedUpload> {
  const wanted: FilesWanted = { root: root.path, top: '', prefix: '', startAfter: undefined, temporary: true };
  for (const { path, mtimeMs } of findFiles(wanted)) {
    if (mtimeMs >= olderThan.getTime()) continue;
    yield {
      id: path,
      key: path,
      startedAt: new Date(mtimeMs),
      discard: () => unlink(join(root.path, path)),
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

/** Undefined for a name that no key can have. */
function describe(file: FoundFile): StoredObject | undefined {
  const key = asKey(file.path);
  return key === undefined ? undefined : describeFile(key, file);
}

function asKey(path: string): StorageKey | undefined {
  try {
    return parseStorageKey(path);
  } catch {
    return undefined;
  }
}
