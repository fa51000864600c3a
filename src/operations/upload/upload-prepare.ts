import { availableParallelism } from 'node:os';
import type { Content, ReadOptions } from '../../content/content.ts';
import { readFileContent, readSpooledContent, readStreamContent } from '../../content/read-content.ts';
import type { Tags } from '../../core/asset.ts';
import { AssetError } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';
import {
  type PacedRequest,
  type PreparationFailure,
  type PreparedFile,
  tagsOf,
  type UploadRequest,
} from './upload-request.ts';
import type { UploadSource } from './upload-sources.ts';

/**
 * Bulk uploads commit in groups: one transaction to reserve, one flush, one transaction to commit.
 * A group closes at whichever comes first; the bounds keep memory flat and an interrupted run cheap.
 */
const GROUP_FILES = 500;
const GROUP_BYTES = 8 * 2 ** 20;
/** Of photographs as they came in, kept for the scan: making a group durable costs as much as decoding one of them. */
const GROUP_ORIGINAL_BYTES = 40 * 2 ** 20;

/** Reads and judges the sources, a few at once, and gathers them into groups in their order. */
export async function* prepareGroups(
  context: OperationContext,
  request: PacedRequest,
  reading: ReadOptions,
): AsyncGenerator<(PreparedFile | PreparationFailure)[]> {
  let group: (PreparedFile | PreparationFailure)[] = [];
  let bytesInMemory = 0;
  let originalBytes = 0;
  let openFiles = 0;
  const closeGroup = () => {
    const closed = group;
    group = [];
    bytesInMemory = 0;
    originalBytes = 0;
    openFiles = 0;
    return closed;
  };
  for await (const item of prepareInOrder(context, request, reading)) {
    group.push(item);
    if ('content' in item) {
      if (item.content.body.bytes === undefined) openFiles += 1;
      else bytesInMemory += item.content.size;
      originalBytes += item.content.untransformed?.bytes?.byteLength ?? 0;
    }
    const isFull = bytesInMemory >= GROUP_BYTES || originalBytes >= GROUP_ORIGINAL_BYTES;
    if (isFull || group.length >= GROUP_FILES || openFiles >= request.concurrency) yield closeGroup();
  }
  if (group.length > 0) yield group;
}

/** While bytes travel, each answer of the disk waits its turn behind theirs: files are read several at once. */
const FILES_AHEAD = 8;

/** Decoding images keeps every processor busy. */
async function* prepareInOrder(
  context: OperationContext,
  request: PacedRequest,
  reading: ReadOptions,
): AsyncGenerator<PreparedFile | PreparationFailure> {
  const ahead = reading.images === undefined ? FILES_AHEAD : availableParallelism() + 1;
  const underWay: Promise<PreparedFile | PreparationFailure>[] = [];
  for await (const source of request.sources) {
    if (context.signal.aborted) break;
    underWay.push(prepare(context, request, source, reading));
    if (underWay.length < ahead) continue;
    const first = underWay.shift();
    if (first !== undefined) yield await first;
  }
  for (const each of underWay) yield await each;
}

/** Reads and judges one source. */
export async function prepare(
  context: OperationContext,
  request: UploadRequest,
  source: UploadSource,
  reading: ReadOptions,
): Promise<PreparedFile | PreparationFailure> {
  if (source.problem !== undefined) return { source, error: source.problem };
  try {
    checkName(source.name);
    checkTags(tagsOf(request, source));
    const content = await read(context, request, source, reading);
    return { source: withExtension(source, content), content };
  } catch (error) {
    return { source, error };
  }
}

function read(
  context: OperationContext,
  request: UploadRequest,
  source: UploadSource,
  reading: ReadOptions,
): Promise<Content> {
  if (source.spool !== undefined) return readSpooledContent(source.spool, source.name, reading);
  if (request.standardInput === undefined || source.path !== '-') return readFileContent(source.path, reading);
  const spooling = { ...reading, spoolDirectory: context.temporaryDirectory };
  return readStreamContent(request.standardInput, source.name, spooling);
}

const LONGEST_NAME = 1024;

function checkName(name: string): void {
  const usable = name !== '' && name.isWellFormed() && !name.includes('\0') && Buffer.byteLength(name) <= LONGEST_NAME;
  if (usable) return;
  throw new AssetError('USAGE', 'The file name cannot be kept', {
    hint: `Give one of 1 to ${LONGEST_NAME} bytes of valid Unicode: --name`,
  });
}

/** An entry of PostgreSQL's index has room for 2704 bytes, and what SQLite took could not be restored there. */
const LONGEST_TAG = 2048;

function checkTags(tags: Tags): void {
  for (const [name, value] of Object.entries(tags)) {
    if (Buffer.byteLength(name) + Buffer.byteLength(value) <= LONGEST_TAG) continue;
    throw new AssetError('USAGE', `The tag ${name.slice(0, 64)} cannot be kept: it is too long`, {
      hint: `Name and value may have ${LONGEST_TAG} bytes together; --tag path=… replaces the path of a deep directory.`,
    });
  }
}

/** A generated name claims nothing of the content: its extension comes from there. */
function withExtension(source: UploadSource, content: Content): UploadSource {
  if (source.isNameGenerated !== true) return source;
  return { ...source, name: `${source.name}${content.extension}` };
}

/**
 * The name of standard input without `--name`: `<type in lower case>_<yyyymmdd>_<hhmmss>` in UTC, to
 * which the content adds its extension, `.txt` for text.
 */
export function generatedName(assetType: string, now: Date): string {
  const [date = '', time = ''] = now.toISOString().split('T');
  return `${assetType.toLowerCase()}_${date.replaceAll('-', '')}_${time.slice(0, 8).replaceAll(':', '')}`;
}
