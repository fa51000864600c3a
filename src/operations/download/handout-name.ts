import { knownType, knownTypeOfExtension } from '../../content/sniffing/known-types.ts';
import { extensionOf } from '../../content/sniffing/sniff.ts';
import type { Asset } from '../../core/asset.ts';
import { safeFilename } from '../../core/safe-filename.ts';

/**
 * The name under which an asset is handed out. A photo.png that a profile made a WebP image of is a photo.webp: a
 * file whose name claims another type is refused by many, this program among them.
 */
export function handoutName({
  originalFilename,
  mimeType,
  isProcessed,
}: Pick<Asset, 'originalFilename' | 'mimeType' | 'isProcessed'>): string {
  const claimed = isProcessed ? extensionOf(originalFilename) : '';
  const claimedType = knownTypeOfExtension(claimed)?.mimeType;
  const extension = knownType(mimeType)?.extensions[0];
  if (claimedType === undefined || claimedType === mimeType || extension === undefined) {
    return safeFilename(originalFilename);
  }
  return safeFilename(`${originalFilename.slice(0, -claimed.length)}${extension}`);
}
