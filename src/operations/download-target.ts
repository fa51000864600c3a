import { randomUUID } from 'node:crypto';
import { createWriteStream, linkSync, lstatSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
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
    const free = numbered.find((name) => !taken.has(sameName(name)));
    const name = free ?? insertBeforeExtension(plain, ` (${asset.id})`);
    taken.add(sameName(name));
    return name;
  };
}

/** File systems that ignore case, or the form of composed characters, take these for one name. */
function sameName(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** Sends content down a stream that stays open, honouring its pace. */
export async function writeToStream(body: AsyncIterable<Uint8Array>, stream: Writable): Promise<void> {
  let begun = false;
  try {
    for await (const chunk of body) {
      begun = true;
      await writeChunk(stream, chunk);
    }
  } catch (thrown) {
    const error = asTargetError(thrown, 'standard output');
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
  { name, size, force, durable = false }: { name: string; size: number; force: boolean; durable?: boolean },
  read: (write: ContentWriter) => Promise<void>,
): Promise<string> {
  const path = target.kind === 'directory' ? join(target.path, name) : target.path;
  const existing = kindOf(path, force);
  if (existing === 'device') {
    await writeToDevice(path, read);
    return path;
  }
  if (existing !== 'absent' && !force) throw targetExists(path);
  const partial = join(dirname(path), `.asset-cli-${randomUUID()}.part`);
  try {
    await read((body) => writeBody(partial, body, size));
    if (durable) await syncPath(partial);
    moveIntoPlace(partial, path, force);
    if (durable) await syncPath(dirname(path));
  } catch (error) {
    throw asTargetError(error, path);
  } finally {
    rmSync(partial, { force: true });
  }
  return path;
}

async function writeToDevice(path: string, read: (write: ContentWriter) => Promise<void>): Promise<void> {
  try {
    await read((body) => pipeline(Readable.from(body), createWriteStream(path)));
  } catch (error) {
    throw asTargetError(error, path);
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the target directory, if there is to be one. */
export async function prepareTarget(target: DownloadTarget): Promise<void> {
  if (target.kind !== 'directory') return;
  try {
    await mkdir(target.path, { recursive: true });
  } catch (error) {
    throw asTargetError(error, target.path);
  }
}

/** Small files are written at one stroke: a stream for each costs more than its bytes. */
const SMALL_BYTES = 2 ** 20;

async function writeBody(path: string, body: AsyncIterable<Uint8Array>, size: number): Promise<void> {
  if (size > SMALL_BYTES) return pipeline(body, createWriteStream(path, { highWaterMark: SMALL_BYTES }));
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  writeFileSync(path, chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
}

/** A device or pipe (`/dev/null`) is written to, never replaced. */
function kindOf(path: string, force: boolean): 'absent' | 'file' | 'device' {
  try {
    const link = lstatSync(path, { throwIfNoEntry: false });
    if (link === undefined) return 'absent';
    const found = link.isSymbolicLink() ? statSync(path) : link;
    if (found.isDirectory()) throw isDirectory(path);
    return found.isFile() ? 'file' : 'device';
  } catch (error) {
    // A link that leads nowhere.
    if (errorCode(error) === 'ENOENT' && force) return 'file';
    throw errorCode(error) === 'ENOENT' ? targetExists(path) : asTargetError(error, path);
  }
}

const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

function moveIntoPlace(partial: string, path: string, force: boolean): void {
  if (!force && linkedInto(partial, path)) return;
  renameSync(partial, path);
}

/** False on a file system without hard links, where the name was free a moment ago. */
function linkedInto(partial: string, path: string): boolean {
  try {
    linkSync(partial, path);
    return true;
  } catch (error) {
    if (NO_HARD_LINKS.has(errorCode(error))) return false;
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
  return new AssetError('TARGET_EXISTS', `${path} exists already`, {
    hint: 'Replace it with --force, or give another path.',
  });
}

function isDirectory(path: string): AssetError {
  return new AssetError('TARGET_EXISTS', `${path} is a directory`, { hint: 'Give the path of a file with -o.' });
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
