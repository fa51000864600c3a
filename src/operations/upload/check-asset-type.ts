import { AssetError } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';

/** @throws AssetError USAGE for a type that is neither built in nor configured */
export function checkAssetType(context: OperationContext, type: string): string {
  if (context.assetTypes.includes(type)) return type;
  throw new AssetError('USAGE', `"${type}" is not an asset type`, {
    hint: `Use one of ${context.assetTypes.join(', ')}, or name it in the configuration (assetTypes).`,
    details: { assetTypes: context.assetTypes },
  });
}
