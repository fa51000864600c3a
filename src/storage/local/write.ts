import { randomUUID } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsync as fsyncCallback,
  linkSync,
  openSync,
  renameSync,
  unlinkSync,
  write as writeCallback,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { giveBack } from '../../core/lent-memory.ts';
import { MARKER_KEY } from '../../core/marker-key.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { PutOptions, StoredObject } from '../backend.ts';
import type { GuardedBody } from '../guarded-body.ts';
import { StorageError } from '../storage-error.ts';
import type { Durability } from './durability.ts';
import { errorCode } from './errors.ts';
import { directoryOf, type LocalRoot, TEMPORARY_PREFIX } from './root.ts';
import { describeFile } from './stat.ts';

const FILE_MODE = 0o600;
const CREATE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

// Synchronous calls cost a fifth of the promises' CPU time, but hold the event loop.
const LARGEST_SYNCHRONOUS_WRITE = 1024 * 1024;
// A directory can be removed by a concurrent delete between its making and its first file.
const ATTEMPTS_TO_ENTER = 20;

const fsync = promisify(fsyncCallback);
const writeSome = promisify(writeCallback);

export interface Writer {
  root: LocalRoot;
  durability: Durability;
}

interface TemporaryFile {
  path: string;
  target: string;
  descriptor: number;
}

/** Temporary file beside the target, then a link or rename: nothing half-written is ever visible. */
export async function writeObject(
  { root, durability }: Writer,
  key: StorageKey,
  body: GuardedBody,
  options: PutOptions,
): Promise<StoredObject> {
  const grouped = options.durability === 'group';
  const file = createTemporary(root, key);
  let isOpen = true;
  let published = false;
  try {
    await writeBody(file.descriptor, body, options.signal);
    const stats = finishFile(file.descriptor, body.size, root.backend, key);
    if (!grouped) await fsync(file.descriptor);
    options.signal?.throwIfAborted();
    if (!grouped) {
      isOpen = false;
      closeSync(file.descriptor);
    }
    publish(file, options.ifAbsent === true);
    published = true;
    if (key === MARKER_KEY) root.forgetMarker();
    root.confirm();
    if (grouped) {
      isOpen = false;
      durability.defer(key, file.descriptor);
    } else await durability.syncNames(key);
    return describeFile(key, stats);
  } catch (error) {
    if (isOpen) closeSync(file.descriptor);
    removeQuietly(published ? file.target : file.path);
    throw error;
  }
}

function createTemporary(root: LocalRoot, key: StorageKey): TemporaryFile {
  if (key === MARKER_KEY) root.makeRoot();
  for (let attempt = 1; ; attempt += 1) {
    try {
      const target = root.prepare(key);
      const path = join(root.path, directoryOf(key), `${TEMPORARY_PREFIX}${randomUUID()}`);
      return { path, target, descriptor: openSync(path, CREATE_NEW, FILE_MODE) };
    } catch (error) {
      root.forget(directoryOf(key));
      if (errorCode(error) === 'ENOTDIR') throw conflict(root.backend, key, error);
      if (errorCode(error) !== 'ENOENT' || attempt === ATTEMPTS_TO_ENTER) throw error;
    }
  }
}

function conflict(backend: string, key: string, cause: unknown): StorageError {
  return new StorageError('CONFLICT', 'a file stands where the key needs a directory', { backend, key, cause });
}

async function writeBody(descriptor: number, body: GuardedBody, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (body.bytes !== undefined && body.size <= LARGEST_SYNCHRONOUS_WRITE) {
    let written = 0;
    while (written < body.size) written += writeSync(descriptor, body.bytes, written);
    return;
  }
  for await (const chunk of body.chunks()) {
    let written = 0;
    while (written < chunk.byteLength) {
      const { bytesWritten } = await writeSome(descriptor, chunk, written, chunk.byteLength - written, null);
      written += bytesWritten;
    }
    giveBack(chunk);
  }
}

function finishFile(descriptor: number, size: number, backend: string, key: string): BigIntStats {
  const stats = fstatSync(descriptor, { bigint: true });
  if (stats.size !== BigInt(size)) {
    throw new StorageError('INTEGRITY', `${stats.size} of ${size} bytes were written`, { backend, key });
  }
  if ((stats.mode & 0o777n) !== BigInt(FILE_MODE)) fchmodSync(descriptor, FILE_MODE);
  return stats;
}

function publish(file: TemporaryFile, ifAbsent: boolean): void {
  if (ifAbsent) publishIfAbsent(file);
  else renameSync(file.path, file.target);
}

function publishIfAbsent(file: TemporaryFile): void {
  try {
    linkSync(file.path, file.target);
    unlinkSync(file.path);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errorCode(error) ?? '')) throw error;
    publishWithoutLinks(file);
  }
}

/** For file systems without hard links (SMB, FAT): an exclusive empty file takes the name first. */
function publishWithoutLinks(file: TemporaryFile): void {
  closeSync(openSync(file.target, CREATE_NEW, FILE_MODE));
  renameSync(file.path, file.target);
}

/** The failure that led here is the one to report. */
function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // What stays is a temporary file, which abandonedUploads finds.
  }
}
