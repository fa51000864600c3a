import {
  chmodSync,
  createWriteStream,
  linkSync,
  lstatSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Asset } from '../../core/asset.ts';
import { giveBack, isLent } from '../../core/lent-memory.ts';
import { makeDirectories } from '../../core/make-directories.ts';
import { insertBeforeExtension } from '../../core/safe-filename.ts';
import { handoutName } from './handout-name.ts';
import { partialPath, removeAbandonedParts } from './partial-files.ts';
import { CannotRestart, type Content, type ContentWriter, chunksOf, type Reading } from './read-asset.ts';
import { asTargetError, errorCode, isDirectory, targetExists } from './target-errors.ts';

export type DownloadTarget =
  /** `lends`: the stream is done with a chunk when it calls back. One that is not ours may keep it, or pass it on. */
  | { kind: 'stream'; stream: Writable; lends?: boolean }
  | { kind: 'file'; path: string }
  /** Made if it is missing; nothing is ever written outside it. */
  | { kind: 'directory'; path: string };

/** Gives each asset a file name of its own: equal names (on any platform) get the id's beginning. */
export function chooseNames(): (asset: Asset) => string {
  const taken = new Set<string>();
  return (asset) => {
    const plain = handoutName(asset);
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
  try {
    for await (const chunk of body) {
      await writeChunk(stream, chunk);
      giveBack(chunk);
    }
  } catch (error) {
    throw asTargetError(error, 'standard output');
  }
}

/** The same for an asset: what went down the stream cannot be taken back, wherever the rest may be now. */
export async function sendContent(body: Content, stream: Writable): Promise<void> {
  let begun = false;
  const watched = (async function* () {
    for await (const chunk of chunksOf(body)) {
      begun = true;
      yield chunk;
    }
  })();
  try {
    await writeToStream(watched, stream);
  } catch (error) {
    throw begun ? new CannotRestart('output has begun', { cause: error }) : error;
  }
}

function writeChunk(stream: Writable, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

interface NewFile {
  name: string;
  size: number;
  force: boolean;
  /** Nothing had its name a moment ago: without `force`, what has it since is seen when the file is moved there. */
  isFree?: boolean;
  durable?: boolean;
  /** Less the process's umask; of a file that is replaced, its own stays. */
  mode?: number;
}

/**
 * Writes a file beside its final name and moves it there when it is complete and verified.
 * @returns the path that was written
 * @throws AssetError TARGET_EXISTS without `force`
 */
export async function writeToFile(
  target: { kind: 'file' | 'directory'; path: string },
  { name, size, force, isFree = false, durable = false, mode = 0o666 }: NewFile,
  read: (write: ContentWriter, reading: Reading) => Promise<void>,
): Promise<string> {
  const path = target.kind === 'directory' ? join(target.path, name) : target.path;
  const existing: Existing = isFree && !force ? { kind: 'absent' } : lookAt(path, force);
  if (existing.kind === 'device') {
    await writeToDevice(path, (write) => read(write, {}));
    return path;
  }
  if (existing.kind === 'file' && !force) throw targetExists(path);
  const final = existing.kind === 'file' ? existing.path : path;
  const partial = partialPath(dirname(final));
  // What few may read is not shown to others while it is written.
  const partialMode = existing.kind === 'file' ? mode & (existing.mode | 0o600) : mode;
  try {
    await read((body) => writeBody(partial, body, size, partialMode), { lends: true });
    if (existing.kind === 'file') chmodSync(partial, existing.mode);
    if (durable) await syncPath(partial);
    moveIntoPlace(partial, final, force);
    if (durable) await syncPath(dirname(final));
  } catch (error) {
    rmSync(partial, { force: true });
    throw asTargetError(error, path);
  }
  return path;
}

async function writeToDevice(path: string, read: (write: ContentWriter) => Promise<void>): Promise<void> {
  try {
    await read((body) => pipeline(Readable.from(chunksOf(body)), createWriteStream(path)));
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

/**
 * Makes the target directory, if there is to be one, and clears it of what killed runs left.
 * @returns whether nothing is in the directory that the target is, or is to be in
 */
export function prepareTarget(target: DownloadTarget): boolean {
  if (target.kind === 'stream') return false;
  if (target.kind === 'directory') makeDirectory(target.path);
  return removeAbandonedParts(target.kind === 'directory' ? target.path : dirname(target.path));
}

function makeDirectory(path: string): void {
  try {
    makeDirectories(path);
  } catch (error) {
    throw asTargetError(error, path);
  }
}

/** Small files are written at one stroke: a stream for each costs more than its bytes. */
const SMALL_BYTES = 2 ** 20;

async function writeBody(path: string, body: Content, size: number, mode: number): Promise<void> {
  if (Buffer.isBuffer(body)) return writeFileSync(path, body, { mode });
  if (size > SMALL_BYTES) return writeLarge(path, body, mode);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  writeFileSync(path, Buffer.concat(chunks), { mode });
}

/** A chunk that fills a stream has been written when the stream asks for another; a shorter one, the last, may not have. */
async function writeLarge(path: string, body: AsyncIterable<Uint8Array>, mode: number): Promise<void> {
  const short: Uint8Array[] = [];
  const givenBack = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      yield chunk;
      if (chunk.byteLength >= SMALL_BYTES) giveBack(chunk);
      else if (isLent(chunk)) short.push(chunk);
    }
  };
  await pipeline(givenBack(), createWriteStream(path, { highWaterMark: SMALL_BYTES, mode }));
  for (const chunk of short) giveBack(chunk);
}

/** What stands at a path: a file (behind a link: where that leads) with its permissions, or a device. */
type Existing = { kind: 'absent' } | { kind: 'file'; path: string; mode: number } | { kind: 'device' };

/** A device or pipe (`/dev/null`) is written to, never replaced; a link stays, and what it names is replaced. */
function lookAt(path: string, force: boolean): Existing {
  try {
    const link = lstatSync(path, { throwIfNoEntry: false });
    if (link === undefined) return { kind: 'absent' };
    const found = link.isSymbolicLink() ? statSync(path) : link;
    if (found.isDirectory()) throw isDirectory(path);
    if (!found.isFile()) return { kind: 'device' };
    return { kind: 'file', path: link.isSymbolicLink() ? realpathSync(path) : path, mode: found.mode & 0o777 };
  } catch (error) {
    // A link that leads nowhere is replaced itself.
    if (errorCode(error) === 'ENOENT' && force) return { kind: 'absent' };
    throw errorCode(error) === 'ENOENT' ? targetExists(path) : asTargetError(error, path);
  }
}

const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

function moveIntoPlace(partial: string, path: string, force: boolean): void {
  if (!force) {
    if (linkedInto(partial, path)) return;
    if (lookAt(path, force).kind !== 'absent') throw targetExists(path);
  }
  renameSync(partial, path);
}

/** False on a file system without hard links. */
function linkedInto(partial: string, path: string): boolean {
  try {
    linkSync(partial, path);
  } catch (error) {
    if (NO_HARD_LINKS.has(errorCode(error))) return false;
    throw error;
  }
  unlinkSync(partial);
  return true;
}
