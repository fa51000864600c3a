import type { ObjectRecord, ServableObject } from '../../catalog/catalog.ts';
import { AssetError } from '../../core/errors.ts';
import { isSignedBy, type SignedPath } from '../../core/signed-path.ts';
import { isPublicKey, parseStorageKey } from '../../core/storage-key.ts';
import type { OperationContext } from '../context.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import { SMALL_BYTES } from './hand-out.ts';
import { cacheControlUntil, mayBeShown, publicHeaders } from './public-access.ts';
import { type Content, type ContentRange, isDamage, openPart, readSmall } from './read-asset.ts';

export interface ServedFile {
  object: ObjectRecord;
  contentType: string;
  /** What is active is an attachment, whatever was signed. */
  disposition: string;
  /** For caches, where it may be kept by others. */
  cacheControl?: string;
}

/**
 * What a signed URL leads to. The signature alone gives nothing: the object is looked up each time, and is handed out
 * only while it is stored or kept as a former copy, and an active, unexpired asset that is not infected has its content.
 * @throws AssetError NOT_PERMITTED, ASSET_NOT_FOUND, VERDICT_REQUIRED
 */
export async function findSigned(context: OperationContext, path: SignedPath, signature: string): Promise<ServedFile> {
  const key = context.serving.signingKeys().find(({ id }) => id === path.keyId);
  if (key === undefined || !isSignedBy(key, path, signature)) throw notSigned();
  if (path.expires * 1000 <= Date.now()) throw ended();
  const { object } = await lookUp(context, path);
  const { contentType, disposition } = path;
  const isHarmless = mayBeShown(contentType);
  return { object, contentType, disposition: isHarmless ? disposition : disposition.replace(/^inline/, 'attachment') };
}

/**
 * What the address of a public asset leads to in a store that does not answer itself: the same, without a signature.
 * Anyone may ask: no store is opened before the catalog knows what for.
 * @throws AssetError NOT_PERMITTED, ASSET_NOT_FOUND, VERDICT_REQUIRED
 */
export async function findPublic(context: OperationContext, backend: string, storagePath: string): Promise<ServedFile> {
  if (!isPublicKey(storagePath)) throw notSigned();
  if (!context.serving.answersFor.has(backend)) throw gone();
  const { object, asset } = await lookUp(context, { backend, storagePath });
  const { contentType, contentDisposition } = publicHeaders(asset);
  return { object, contentType, disposition: contentDisposition, cacheControl: cacheControlUntil(asset.expiresAt) };
}

async function lookUp(
  context: OperationContext,
  { backend, storagePath }: Pick<SignedPath, 'backend' | 'storagePath'>,
): Promise<ServableObject> {
  const catalog = await context.catalog();
  const found = await catalog.assets.servable(backend, parseStorageKey(storagePath));
  if (found === undefined) throw gone();
  if (found.scanStatus === 'PENDING' && context.scanning.mode === 'required') {
    throw new AssetError('VERDICT_REQUIRED', 'The file has not been scanned for viruses yet', {
      hint: 'Have it scanned: asset-cli scan --pending',
    });
  }
  return found;
}

/**
 * The content, or a part of it: in memory and verified if it is small, else as it is read. What was moved away since it
 * was looked up is gone.
 */
export async function openSigned(
  context: OperationContext,
  object: ObjectRecord,
  range: ContentRange | undefined,
): Promise<Content> {
  try {
    if (range !== undefined) return await openPart(context, object, range);
    if (object.size > SMALL_BYTES) return await openPart(context, object, { start: 0, end: object.size - 1 });
    return await readSmall(context, object);
  } catch (error) {
    if (!isDamage(error)) throw asAssetError(error);
    const catalog = await context.catalog();
    const still = await catalog.assets.servable(object.backend, object.storagePath);
    throw still === undefined ? gone() : asAssetError(error);
  }
}

function notSigned(): AssetError {
  return new AssetError('NOT_PERMITTED', 'This URL was not signed here, or was changed', {
    hint: 'Ask for a new one: asset-cli sign <id>',
  });
}

function ended(): AssetError {
  return new AssetError('NOT_PERMITTED', 'This URL has ended', { hint: 'Ask for a new one: asset-cli sign <id>' });
}

function gone(): AssetError {
  return new AssetError('ASSET_NOT_FOUND', 'What this URL led to is gone', {
    hint: 'Ask for a new one: asset-cli sign <id>',
  });
}
