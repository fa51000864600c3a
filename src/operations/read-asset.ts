import type { Readable } from 'node:stream';
import type { AssetWithObject, ObjectRecord } from '../catalog/catalog.ts';
import { decodedAtOnce, decodedContent } from '../content/decode.ts';
import { verifiedContent } from '../content/verify-stream.ts';
import { AssetError } from '../core/errors.ts';
import { chunksInMemory } from '../core/memory-readable.ts';
import { isStorageError } from '../storage/storage-error.ts';
import type { OperationContext } from './context.ts';
import { openOwnStore } from './own-store.ts';
import { gracePeriod } from './stopping.ts';
import { asAssetError } from './storage-failure.ts';

/** Takes the content; called again from the start if the asset was moved while it was read. */
export type ContentWriter = (body: AsyncIterable<Uint8Array>) => Promise<void>;

/** Thrown by a writer that cannot start again because some of its output is out already; its cause is why it ended. */
export class CannotRestart extends Error {
  override readonly name = 'CannotRestart';
}

const MOST_READS = 5;
const DECODED_AT_ONCE = 2 ** 20;

/**
 * Reads an asset's content, verified. If the bytes are not where they were, the row is read again:
 * an asset that was moved meanwhile is read from its new place; only otherwise is it damage.
 * @throws AssetError BYTES_MISSING, BYTES_DAMAGED, ASSET_NOT_FOUND, or what the store answers
 */
export async function readAsset(
  context: OperationContext,
  asset: AssetWithObject,
  write: ContentWriter,
): Promise<void> {
  let current = asset;
  for (let read = 1; ; read += 1) {
    try {
      await readOnce(context, current.object, write);
      return;
    } catch (error) {
      if (error instanceof CannotRestart) throw explain(error.cause, current);
      if (!isDamage(error) || read === MOST_READS) throw explain(error, current);
      const next = await readRowAgain(context, current);
      if (next === undefined || !hasMoved(current.object, next.object)) throw explain(error, current);
      current = next;
    }
  }
}

async function readOnce(context: OperationContext, object: ObjectRecord, write: ContentWriter): Promise<void> {
  await write(await openContent(context, object));
}

/**
 * The content of a stored object, verified while it is read: its last bytes come only if all were right.
 * @throws StorageError NOT_FOUND before the first byte, or what the store answers; AssetError BYTES_DAMAGED
 */
export async function openContent(context: OperationContext, object: ObjectRecord): Promise<AsyncIterable<Uint8Array>> {
  const store = await openOwnStore(context, object.backend);
  const { body } = await store.get(object.storagePath, {
    size: object.storedSize,
    signal: gracePeriod(context.signal),
  });
  return verifiedContent(contentOf(object, body), { size: object.size, sha256: object.sha256 });
}

function contentOf({ size, contentEncoding }: ObjectRecord, body: Readable): AsyncIterable<Uint8Array> {
  const chunks = contentEncoding !== null && size <= DECODED_AT_ONCE ? chunksInMemory(body) : undefined;
  if (chunks === undefined) return decodedContent(body, contentEncoding);
  return decodedLater(Buffer.concat(chunks), contentEncoding, size);
}

/** What is wrong with it is an error of the content, met when that is read. */
async function* decodedLater(stored: Uint8Array, encoding: string | null, size: number): AsyncGenerator<Uint8Array> {
  yield decodedAtOnce(stored, encoding, size);
}

export function isDamage(error: unknown): boolean {
  if (error instanceof AssetError) return error.code === 'BYTES_DAMAGED';
  return isStorageError(error, 'NOT_FOUND', 'CONFLICT', 'INTEGRITY');
}

function explain(error: unknown, { asset }: AssetWithObject): unknown {
  const details = { id: asset.id, backend: asset.backend, storagePath: asset.storagePath };
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
