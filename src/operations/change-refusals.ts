import type { Asset } from '../core/asset.ts';
import { AssetError } from '../core/errors.ts';
import { isInfected, notPermitted } from './handing-out.ts';
import type { SkipReason } from './move-bytes.ts';
import { notFound } from './resolve-assets.ts';

/** Why an asset was not changed, as its user is told. */
export function changeRefused(id: string, verb: string, reason: SkipReason, asset: Asset | undefined): AssetError {
  if (asset === undefined || reason === 'missing') return notFound(id);
  if (reason === 'infected') return isInfected(asset);
  if (reason === 'denied') return notPermitted(asset, verb);
  return new AssetError('STATE_CHANGED', ...explanation(asset, verb, reason));
}

function explanation(asset: Asset, verb: string, reason: SkipReason): [message: string, options: { hint: string }] {
  const { id } = asset;
  switch (reason) {
    case 'in-trash':
      return [`Asset ${id} is in the trash already`, { hint: 'Remove it for good: asset-cli delete <id> --no-trash' }];
    case 'not-in-trash':
      return [`Asset ${id} is not in the trash`, { hint: 'See what is: asset-cli list --status trashed' }];
    case 'not-in-quarantine':
      return [`Asset ${id} is not in quarantine`, { hint: 'See what is: asset-cli list --status quarantined' }];
    case 'trash-ended':
      return [`The time of asset ${id} in the trash is over`, { hint: 'The next purge-expired removes it.' }];
    case 'expired':
      return [
        `Asset ${id} expired at ${asset.expiresAt}`,
        { hint: 'Extend it first: asset-cli extend <id> --expires-in 30d' },
      ];
    default:
      return [`Asset ${id} was changed by another while you tried to ${verb} it (${reason})`, { hint: 'Try again.' }];
  }
}
