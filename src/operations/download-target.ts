import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, lstat, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Asset } from '../core/asset.ts';
import { AssetError } from '../core/errors.ts';
import { insertBeforeExtension, safeFilename } from '../core/safe-filename.ts';
import { CannotRestart, type ContentWriter } from './read-asset.ts';

export type DownloadTarget =
  | { kind: 'stream'; stream: Writable }
  | { kind: 'file'; path: string }
  /** Made if it is missing; nothing is ever written outside it. */
  | { kind: 'directory'; path: string };

/** Gives each asset a file name of its own: equal names (on any platform) get the id's beginning. */
export function chooseNames(): (asset: Asset) => string {
  const taken = new Set<string>();
  return (asset) => {
    const plain = safeFilename(asset.originalFilename);
    const numbered = [plain, insertBeforeExtension(plain, ` (${asset.id.slice(0, 8)})`)];
    const free = numbered.find((name) => !taken.has(name.toLowerCase()));
    const name = free ?? insertBeforeExtension(plain, ` (${asset.id})`);
    taken.add(name.toLowerCase());
    return name;
  };
}

/** Sends content down a stream that stays open, honouring its pace. */
export async function writeToStream(body: AsyncIterable<Uint8Array>, stream: Writable): Promise<void> {
  let begun = false;
  try {
    for await (const chunk of body) {
      begun = true;
      await writeChunk(stream, chunk);
    }
  } catch (error) {
    throw begun && !(error instanceof AssetError) ? new CannotRestart('output has begun', { cause: error }) : error;
  }
}

function writeChunk(stream: Writable, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Writes a file beside its final name and moves it there when it is complete and verified.
 * @returns the path that was written
 * @throws AssetError TARGET_EXISTS without `force`
 */
export async function writeToFile(
  target: { kind: 'file' | 'directory'; path: string },
  name: string,
  force: boolean,
  read: (write: ContentWriter) => Promise<void>,
): Promise<string> {
  const path = target.kind === 'directory' ? join(target.path, name) : target.path;
  if (target.kind === 'directory') await mkdir(target.path, { recursive: true });
  const existing = await kindOf(path);
  if (existing === 'device') {
    await read((body) => pipeline(Readable.from(body), createWriteStream(path)));
    return path;
  }
  if (existing !== 'absent' && !force) throw targetExists(path);
  const partial = join(dirname(path), `.asset-cli-${randomUUID()}.part`);
  try {
    await read((body) => pipeline(body, createWriteStream(partial, { flags: 'w', highWaterMark: 2 ** 20 })));
    await moveIntoPlace(partial, path, force);
  } catch (error) {
    throw asTargetError(error, path);
  } finally {
    await rm(partial, { force: true });
  }
  return path;
}

/** A device or pipe (`/dev/null`) is written to, never replaced. */
async function kindOf(path: string): Promise<'absent' | 'file' | 'device'> {
  try {
    await lstat(path);
    const found = await stat(path);
    if (found.isDirectory()) throw isDirectory(path);
    return found.isFile() ? 'file' : 'device';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'absent';
    throw asTargetError(error, path);
  }
}

async function moveIntoPlace(partial: string, path: string, force: boolean): Promise<void> {
  if (force) return rename(partial, path);
  try {
    await link(partial, path);
  } catch (error) {
    // A file system without hard links: the name was free a moment ago.
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errorCode(error))) return rename(partial, path);
    throw error;
  }
}

function asTargetError(error: unknown, path: string): unknown {
  switch (errorCode(error)) {
    case 'EEXIST':
      return targetExists(path);
    case 'ENOENT':
    case 'ENOTDIR':
      return new AssetError('PATH_NOT_FOUND', `The directory of ${path} does not exist`, {
        hint: 'Create it, or give another path with -o.',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new AssetError('NOT_PERMITTED', `${path} cannot be written`, {
        hint: 'Check the permissions, or give another path with -o.',
        cause: error,
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new AssetError('DISK_FULL', `There is no space left for ${path}`, {
        hint: 'Make room, or give another path with -o.',
        cause: error,
      });
    default:
      return error;
  }
}

function targetExists(path: string): AssetError {
  return new AssetError('TARGET_EXISTS', `${path} exists already`, { hint: 'Replace it with --force, or give -o.' });
}

function isDirectory(path: string): AssetError {
  return new AssetError('TARGET_EXISTS', `${path} is a directory`, { hint: 'Give the path of a file with -o.' });
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
