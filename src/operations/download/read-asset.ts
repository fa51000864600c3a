import type { AssetWithObject, ObjectRecord } from '../../catalog/catalog.ts';
import { decodedAtOnce, decodedContent, decodedUnsummed } from '../../content/verification/decode.ts';
import { verifiedBytes, verifiedContent } from '../../content/verification/verify-stream.ts';
import { AssetError } from '../../core/errors.ts';
import type { GetOptions, StorageBackend } from '../../storage/backend.ts';
import { isStorageError } from '../../storage/storage-error.ts';
import type { OperationContext } from '../context.ts';
import { gracePeriod } from '../stopping.ts';
import { openOwnStore } from '../stores/own-store.ts';
import { asAssetError, requestIdOf } from '../stores/storage-failure.ts';
import { checkHandingOut } from './handing-out.ts';

/** In one piece, where it is small: a stream, or a generator, costs more than to write it. */
export type Content = Buffer | AsyncIterable<Uint8Array>;

export function chunksOf(content: Content): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return Buffer.isBuffer(content) ? [content] : content;
}

/** Takes the content; called again from the start if the asset was moved while it was read. */
export type ContentWriter = (body: Content) => Promise<void>;

export interface Reading {
  /** Chunks may be lent (core/lent-memory.ts): the writer gives back each when nobody uses it any more. */
  lends?: boolean;
  /** Nothing else is read at the same time: one connection may be enough. */
  isAlone?: boolean;
}

/** Thrown by a writer that cannot start again because some of its output is out already; its cause is why it ended. */
export class CannotRestart extends Error {
  override readonly name = 'CannotRestart';
}

const MOST_READS = 5;
const DECODED_AT_ONCE = 2 ** 20;
const READ_AT_ONCE = 2 ** 18;
/** What is stored in an encoding, until it is decoded: before anything else is read. */
let coded: Buffer | undefined;

/** A part of the content: both ends inclusive. */
export interface ContentRange {
  start: number;
  end: number;
}

/**
 * Reads an asset's content, verified. If the bytes are not where they were, the row is read again:
 * an asset that was moved meanwhile is read from its new place; only otherwise is it damage.
 * @throws AssetError BYTES_MISSING, BYTES_DAMAGED, as checkHandingOut of one that was moved, or what the store answers
 */
export function readAsset(
  context: OperationContext,
  asset: AssetWithObject,
  write: ContentWriter,
  reading: Reading = {},
): Promise<void> {
  return followMoves(context, asset, async (object) => {
    if (reading.lends !== true || object.storedSize > LENT_BYTES) {
      return write(await openContent(context, object, reading));
    }
    const memory = unused.pop() ?? Buffer.allocUnsafeSlow(LENT_BYTES);
    await write(await openContent(context, object, reading, memory));
    // Not what a writer failed with: it may have it still.
    unused.push(memory);
  });
}

const LENT_BYTES = 64 * 1024;
/** Memory of small contents, to be used again: to make it anew for each takes longer than to fill it. */
const unused: Buffer[] = [];

/**
 * Opens an asset's content in the same way, for a reader that cannot start again once it has begun. The whole is
 * verified; of a part only its length can be.
 */
export function openAsset(context: OperationContext, asset: AssetWithObject, range?: ContentRange): Promise<Content> {
  return followMoves(context, asset, (object) =>
    range === undefined ? openContent(context, object) : openPart(context, object, range),
  );
}

/** All of a small content, verified. Follows moves like the others. */
export function readSmallAsset(context: OperationContext, asset: AssetWithObject): Promise<Buffer> {
  return followMoves(context, asset, (object) => readSmall(context, object));
}

/**
 * @param memory where the content may be, if there is room for more
 * @throws StorageError NOT_FOUND, or what the store answers; AssetError BYTES_DAMAGED
 */
export async function readSmall(context: OperationContext, object: ObjectRecord, memory?: Uint8Array): Promise<Buffer> {
  const store = await openOwnStore(context, object.backend);
  const now = contentNow(store, object, memory);
  if (now !== undefined) return now;
  const opened = await store.get(object.storagePath, { signal: gracePeriod(context.signal) });
  if (opened.held !== undefined) return contentOf(joined(opened.held), object, memory);
  const chunks: Uint8Array[] = [];
  const content = decodedContent(opened.body, object.contentEncoding);
  for await (const chunk of verifiedContent(content, object)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Without the promises and the stream of get(), which take longer than to read and to decode. */
function contentNow(store: StorageBackend, object: ObjectRecord, memory: Uint8Array | undefined): Buffer | undefined {
  const { storagePath, storedSize, contentEncoding, size } = object;
  if (store.readNow === undefined || storedSize > READ_AT_ONCE) return undefined;
  const target = memory !== undefined && memory.byteLength > size ? memory : Buffer.allocUnsafe(size + 1);
  coded ??= Buffer.allocUnsafeSlow(READ_AT_ONCE + 1);
  const stored = contentEncoding === null ? target : coded;
  if (!store.readNow(storagePath, storedSize, stored)) return undefined;
  return contentOf(stored.subarray(0, storedSize), object, target);
}

function contentOf(stored: Uint8Array, object: ObjectRecord, memory: Uint8Array | undefined): Buffer {
  return asBuffer(verifiedBytes(decodedUnsummed(stored, object.contentEncoding, object.size, memory), object));
}

/** One chunk, as it mostly is, is not copied. */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function followMoves<T>(
  context: OperationContext,
  asset: AssetWithObject,
  read: (object: ObjectRecord) => Promise<T>,
): Promise<T> {
  let current = asset;
  for (let count = 1; ; count += 1) {
    try {
      return await read(current.object);
    } catch (error) {
      if (error instanceof CannotRestart) throw explain(error.cause, current);
      if (!isDamage(error) || count === MOST_READS) throw explain(error, current);
      const next = await readRowAgain(context, current);
      if (next === undefined || !hasMoved(current.object, next.object)) throw explain(error, current);
      // What it was moved for may be a virus.
      await checkHandingOut(context, next);
      current = next;
    }
  }
}

/**
 * The content of a stored object, verified: what is small now, the rest while it is read, so that its last bytes come
 * only if all were right.
 * @throws StorageError NOT_FOUND before the first byte, or what the store answers; AssetError BYTES_DAMAGED
 */
export async function openContent(
  context: OperationContext,
  object: ObjectRecord,
  { lends = false, isAlone = false }: Reading = {},
  memory?: Buffer,
): Promise<Content> {
  const { size, storedSize, contentEncoding } = object;
  const store = await openOwnStore(context, object.backend);
  const options: GetOptions = { size: storedSize, signal: gracePeriod(context.signal) };
  if (memory !== undefined) options.into = memory;
  // What is decoded on the way is not given back.
  if (lends && contentEncoding === null) options.lends = isAlone ? 'whole' : 'parts';
  const opened = await store.get(object.storagePath, options);
  const held = size <= DECODED_AT_ONCE ? opened.held : undefined;
  if (held !== undefined) return asBuffer(verifiedBytes(decodedAtOnce(joined(held), contentEncoding, size), object));
  return verifiedContent(decodedContent(opened.body, contentEncoding), object);
}

/** A part of the content; what is stored in another coding is decoded from its beginning. */
export async function openPart(
  context: OperationContext,
  object: ObjectRecord,
  range: ContentRange,
): Promise<AsyncIterable<Uint8Array>> {
  if (object.contentEncoding !== null) return cutOut(await openContent(context, object), range);
  const store = await openOwnStore(context, object.backend);
  const { body, object: stored } = await store.get(object.storagePath, { range, signal: gracePeriod(context.signal) });
  if (stored.size === object.size) return body;
  body.destroy();
  throw new AssetError('BYTES_DAMAGED', `The stored bytes are ${stored.size} instead of ${object.size}`);
}

async function* cutOut(body: Content, { start, end }: ContentRange): AsyncGenerator<Uint8Array> {
  let position = 0;
  for await (const chunk of chunksOf(body)) {
    const from = Math.max(start - position, 0);
    const to = Math.min(end + 1 - position, chunk.byteLength);
    if (from < to) yield chunk.subarray(from, to);
    position += chunk.byteLength;
    if (position > end) return;
  }
}

export function isDamage(error: unknown): boolean {
  if (error instanceof AssetError) return error.code === 'BYTES_DAMAGED';
  return isStorageError(error, 'NOT_FOUND', 'CONFLICT', 'INTEGRITY');
}

function explain(error: unknown, { asset }: AssetWithObject): unknown {
  const details = { id: asset.id, backend: asset.backend, storagePath: asset.storagePath, ...requestIdOf(error) };
  if (isStorageError(error, 'NOT_FOUND')) {
    return new AssetError('BYTES_MISSING', `The bytes of asset ${asset.id} are missing from ${asset.backend}`, {
      hint: 'Someone or something else removed them. Restore the store from a backup.',
      details,
      cause: error,
    });
  }
  if (isDamage(error)) {
    return new AssetError('BYTES_DAMAGED', `The stored bytes of asset ${asset.id} do not match their record`, {
      hint: 'They were changed or truncated behind our back. Restore the store from a backup.',
      details,
      cause: error,
    });
  }
  return asAssetError(error);
}

async function readRowAgain(
  context: OperationContext,
  { asset }: AssetWithObject,
): Promise<AssetWithObject | undefined> {
  const catalog = await context.catalog();
  const [found] = await catalog.assets.byIds(context.identity, [asset.id]);
  return found;
}

function hasMoved(before: ObjectRecord, now: ObjectRecord): boolean {
  return before.id !== now.id || before.etag !== now.etag;
}
