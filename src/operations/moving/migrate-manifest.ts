import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { MovedAsset, ObjectRecord } from '../../catalog/catalog.ts';
import { AssetError } from '../../core/errors.ts';
import { parseStorageKey } from '../../core/storage-key.ts';
import type { Place } from './migrate-run.ts';

/** What a manifest says of one asset that was moved. */
export interface ManifestLine {
  id: string;
  organizationId: string;
  /** Of the content. */
  size: number;
  sha256: string;
  from: Place;
  to: Place;
}

export interface ManifestWriter {
  /** Lines go to the file in this order, behind the caller's back; a failure shows at `end`. */
  add(source: ObjectRecord, to: Place, assets: readonly MovedAsset[]): void;
  addLine(line: ManifestLine): void;
  /** Writes the last line, the SHA-256 of everything before it, and makes the file durable. */
  end(): Promise<void>;
}

const FORMAT = 'asset-cli migration manifest 1';
const WRITE_AT_ONCE = 64 * 1024;

/** @throws AssetError TARGET_EXISTS: a proof is never overwritten */
export async function createManifest(
  path: string,
  run: { id: string; request: { from: string; to: string } },
): Promise<ManifestWriter> {
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') {
      throw new AssetError('PATH_NOT_FOUND', `The manifest ${path} cannot be written: ${error.message}`, {
        hint: 'Name a file in a directory that you may write to.',
      });
    }
    throw new AssetError('TARGET_EXISTS', `The manifest ${path} is there already`, { hint: 'Name another file.' });
  });
  const hash = createHash('sha256');
  let assets = 0;
  let text = '';
  let writing: Promise<unknown> = Promise.resolve();
  function write(line: object): void {
    text += `${JSON.stringify(line)}\n`;
    if (text.length >= WRITE_AT_ONCE) flush();
  }
  function flush(): void {
    const chunk = text;
    text = '';
    hash.update(chunk);
    writing = writing.then(() => file.write(chunk));
    // A failure is met at the end; until then it must not count as unhandled.
    writing.catch(() => undefined);
  }
  function addLine(line: ManifestLine): void {
    assets += 1;
    write(line);
  }
  write({ manifest: FORMAT, run: run.id, from: run.request.from, to: run.request.to });
  return {
    add(source, to, moved) {
      const { backend, storagePath } = source;
      for (const { id, organizationId, fileSize: size, fileHash: sha256 } of moved) {
        addLine({ id, organizationId, size, sha256, from: { backend, storagePath }, to });
      }
    },
    addLine,
    async end() {
      try {
        flush();
        await writing;
        await file.write(`${JSON.stringify({ assets, sha256: hash.digest('hex') })}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
    },
  };
}

/**
 * The lines of a manifest that is seen to be whole first.
 * @throws AssetError PATH_NOT_FOUND, BYTES_DAMAGED, USAGE for a file that is none
 */
export async function* readManifest(path: string): AsyncGenerator<ManifestLine> {
  await checkWhole(path);
  for await (const [index, line] of numbered(path)) {
    const value: unknown = JSON.parse(line);
    if (index > 0 && isRecord(value) && 'id' in value) yield toLine(value);
  }
}

async function checkWhole(path: string): Promise<void> {
  const hash = createHash('sha256');
  let before: string | undefined;
  let isManifest = false;
  for await (const [index, line] of numbered(path)) {
    if (index === 0) isManifest = line.startsWith(JSON.stringify({ manifest: FORMAT }).slice(0, -1));
    if (!isManifest) break;
    if (before !== undefined) hash.update(`${before}\n`);
    before = line;
  }
  if (!isManifest) {
    throw new AssetError('USAGE', `${path} is not a migration manifest`, {
      hint: 'It is what migrate --manifest or migrate report --manifest wrote.',
    });
  }
  if (before?.endsWith(`"sha256":"${hash.digest('hex')}"}`) === true && !before.includes('"id"')) return;
  throw new AssetError('BYTES_DAMAGED', `The manifest ${path} is not whole: its own SHA-256 does not match`, {
    hint: 'Write it anew from the audit trail: asset-cli migrate report <run> --manifest <file>',
  });
}

async function* numbered(path: string): AsyncGenerator<[number, string]> {
  const input = createReadStream(path);
  let index = 0;
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      yield [index, line];
      index += 1;
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new AssetError('PATH_NOT_FOUND', `The manifest ${path} cannot be read: ${error.message}`, {
      hint: 'Name a file that migrate --manifest wrote.',
    });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function toLine(value: Record<string, unknown>): ManifestLine {
  const { id, organizationId, size, sha256 } = value;
  return {
    id: String(id),
    organizationId: String(organizationId),
    size: Number(size),
    sha256: String(sha256),
    from: toPlace(value['from']),
    to: toPlace(value['to']),
  };
}

function toPlace(value: unknown): Place {
  if (!isRecord(value)) throw new AssetError('USAGE', 'A line of the manifest has no place');
  return { backend: String(value['backend']), storagePath: parseStorageKey(String(value['storagePath'])) };
}
