import type { CompressStage, ImageStage, ReadOptions } from '../../content/content.ts';
import type { BackendFeatures } from '../../storage/backend.ts';
import type { OperationContext } from '../context.ts';
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
    ...{ rules, signal, checksums: features?.checksums ?? [] },
    ...(images === undefined ? {} : { images }),
    ...(compress === undefined ? {} : { compress }),
  };
}

function imageStage(context: OperationContext, request: UploadRequest): ImageStage | undefined {
  const profile = request.optimize ? context.content.images.get(request.assetType) : undefined;
  if (profile === undefined) return undefined;
  // A public asset has bytes of its own, which have to be made anyway.
  if (request.isPublic) return { profile };
  const { organization } = context.identity;
  return {
    profile,
    recognise: async (original) => {
      const catalog = await context.catalog();
      return catalog.assets.transformed(organization, request.backend, original);
    },
  };
}

function compressStage(
  { content, temporaryDirectory }: OperationContext,
  request: UploadRequest,
  features: BackendFeatures,
): CompressStage | undefined {
  const wanted = content.compress === 'auto' ? features.decodesForReaders === true : content.compress;
  return wanted && request.compress ? { spoolDirectory: temporaryDirectory } : undefined;
}
