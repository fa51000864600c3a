import type { AssetWithObject } from '../../catalog/catalog.ts';
import { notFound } from '../assets/resolve-assets.ts';
import { recordUnknownNames } from '../assets/unknown-names.ts';
import type { OperationContext } from '../context.ts';
import { checkHandingOut } from './handing-out.ts';
import { withAddress } from './public-access.ts';
import { type Content, type ContentRange, openAsset, readSmallAsset } from './read-asset.ts';

/** Up to this size content is read, and verified, before its first byte goes out. */
export const SMALL_BYTES = 256 * 1024;

const WHOLE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The asset of a whole id, if the identity may see it.
 * @throws AssetError ASSET_NOT_FOUND
 */
export async function findAsset(context: OperationContext, id: string): Promise<AssetWithObject> {
  const catalog = await context.catalog();
  const [found] = WHOLE_ID.test(id) ? await catalog.assets.byIds(context.identity, [id]) : [];
  if (found === undefined) throw notFound(id);
  return { ...found, asset: withAddress(context, found.asset) };
}

/** The same for an action on it: an id that leads nowhere is in the audit trail. */
export async function findRecorded(context: OperationContext, action: string, id: string): Promise<AssetWithObject> {
  try {
    return await findAsset(context, id);
  } catch (error) {
    await recordUnknownNames(context, action, [{ id, error }]);
    throw error;
  }
}

/**
 * The asset of a whole id, if its content may be handed out to the identity.
 * @throws AssetError as checkHandingOut
 */
export async function findForHandingOut(context: OperationContext, id: string): Promise<AssetWithObject> {
  const found = await findAsset(context, id);
  await checkHandingOut(context, found);
  return found;
}

/** The content of an asset, or a part of it: in memory if it is small, else as it is read. */
export async function openForHandingOut(
  context: OperationContext,
  found: AssetWithObject,
  range: ContentRange | undefined,
): Promise<Content> {
  const isWhole = range === undefined || (range.start === 0 && range.end === found.asset.fileSize - 1);
  if (!isWhole) return openAsset(context, found, range);
  return found.asset.fileSize > SMALL_BYTES ? openAsset(context, found) : readSmallAsset(context, found);
}
