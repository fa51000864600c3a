import type { KnownResult, ObjectRecord } from '../../catalog/catalog.ts';
import type { CompressStage, ImageStage, KnownImage, ReadOptions } from '../../content/content.ts';
import { createOnceForEqual } from '../../content/images/equal-images.ts';
import type { BackendFeatures } from '../../storage/backend.ts';
import { isStorageError } from '../../storage/storage-error.ts';
import type { OperationContext } from '../context.ts';
import { isDamage, readSmall } from '../download/read-asset.ts';
import type { UploadRequest } from './upload-request.ts';

/** The stages that content goes through on its way into a store. Without `features` nothing will be stored. */
export function readOptions(
  context: OperationContext,
  request: UploadRequest,
  features?: BackendFeatures,
): ReadOptions {
  const { rules, signal } = context;
  const images = imageStage(context, request);
  const compress = features === undefined ? undefined : compressStage(context, request, features);
  return {
    rules,
    signal,
    checksums: features?.checksums ?? [],
    ...(images === undefined ? {} : { images }),
    ...(compress === undefined ? {} : { compress }),
  };
}

function imageStage(context: OperationContext, request: UploadRequest): ImageStage | undefined {
  const profile = request.optimize ? context.content.images.get(request.assetType) : undefined;
  if (profile === undefined) return undefined;
  const { organization } = context.identity;
  return {
    profile,
    onceForEqual: createOnceForEqual(),
    recognise: async (original) => {
      const catalog = await context.catalog();
      const known = await catalog.assets.knownResult(organization, request.backend, original);
      return known?.kind === 'stored' ? knownImage(context, request, known) : known?.kind;
    },
  };
}

/** A public asset has bytes of its own, and shares them with none. */
function knownImage(
  context: OperationContext,
  request: UploadRequest,
  { object, mimeType }: Extract<KnownResult, { kind: 'stored' }>,
): KnownImage {
  const { sha256, size } = object;
  const isShared = !request.isPublic && !object.isPublic;
  return { sha256, size, mimeType, ...(isShared ? {} : { copy: () => wholeCopy(context, object) }) };
}

/** undefined if it is damaged, was moved or removed meanwhile, or may not be read by who may only write. */
async function wholeCopy(context: OperationContext, object: ObjectRecord): Promise<Uint8Array | undefined> {
  try {
    return await readSmall(context, object);
  } catch (error) {
    if (isDamage(error) || isStorageError(error, 'DENIED')) return undefined;
    throw error;
  }
}

function compressStage(
  { content, temporaryDirectory }: OperationContext,
  request: UploadRequest,
  features: BackendFeatures,
): CompressStage | undefined {
  const wanted = content.compress === 'auto' ? features.decodesForReaders === true : content.compress;
  return wanted && request.compress ? { spoolDirectory: temporaryDirectory } : undefined;
}
