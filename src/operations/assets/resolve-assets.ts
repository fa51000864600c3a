import type { AssetWithObject } from '../../catalog/catalog.ts';
import { AssetError } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';

const ID_PREFIX = /^[0-9a-f]{8}[0-9a-f-]{0,28}$/;

/**
 * Finds the one asset that an id or an unambiguous prefix of at least 8 characters names, among
 * what the identity may see.
 * @throws AssetError USAGE, ASSET_NOT_FOUND, AMBIGUOUS_ID
 */
export async function resolveAsset(context: OperationContext, idOrPrefix: string): Promise<AssetWithObject> {
  const prefix = idOrPrefix.toLowerCase();
  if (!ID_PREFIX.test(prefix)) {
    throw new AssetError('USAGE', `"${idOrPrefix}" is not an asset id`, {
      hint: 'Give a whole id, or its first 8 or more characters: asset-cli list --ids',
    });
  }
  const catalog = await context.catalog();
  const found = await catalog.assets.byIdPrefix(context.identity, prefix, 4);
  const [first, second] = found;
  if (first === undefined) throw notFound(idOrPrefix);
  if (second !== undefined) throw ambiguous(idOrPrefix, found);
  return first;
}

export function notFound(id: string): AssetError {
  return new AssetError('ASSET_NOT_FOUND', `There is no asset ${id} that you may see`, {
    hint: 'See what there is: asset-cli list',
    details: { id },
  });
}

function ambiguous(prefix: string, found: readonly AssetWithObject[]): AssetError {
  const ids = found.map((each) => each.asset.id);
  return new AssetError('AMBIGUOUS_ID', `"${prefix}" begins the id of more than one asset`, {
    hint: `Give more of it: ${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ', …' : ''}`,
    details: { prefix, ids },
  });
}
