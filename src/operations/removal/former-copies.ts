import type { ContentRef } from '../../catalog/catalog.ts';
import type { Asset } from '../../core/asset.ts';
import type { OperationContext } from '../context.ts';
import { removeObjects } from './remove-objects.ts';

const MOST_AT_ONCE = 1000;

/**
 * Removes what moves have left of these contents and the catalog has given up since, so that no URL that is out reaches
 * it any more.
 * @returns why some are still there, if any are; `purge-expired` comes back to them
 */
export async function removeFormerCopies(
  context: OperationContext,
  contents: readonly ContentRef[],
): Promise<Error | undefined> {
  if (contents.length === 0) return undefined;
  const catalog = await context.catalog();
  const backends = [...context.backends.names];
  const claimed = await catalog.leftovers.claim({ backends, contents }, MOST_AT_ONCE, context.leaseSeconds);
  const [reason] = (await removeObjects(context, claimed)).values();
  return reason;
}

/** The same where the user has what was asked for already. */
export async function removeFormerCopiesOrWarn(
  context: OperationContext,
  contents: readonly ContentRef[],
): Promise<void> {
  const reason = await removeFormerCopies(context, contents);
  if (reason !== undefined) context.warn(`a former copy is removed later, by purge-expired: ${reason.message}`);
}

/** Of assets that are gone, those whose address ends with them, also where a move has left a copy. */
export function publicContents(
  assets: readonly Pick<Asset, 'organizationId' | 'fileHash' | 'isPublic'>[],
): ContentRef[] {
  return assets.flatMap(({ organizationId, fileHash: sha256, isPublic }) =>
    isPublic ? { organizationId, sha256 } : [],
  );
}
