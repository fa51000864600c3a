import type { Asset } from '../../core/asset.ts';
import { AssetError } from '../../core/errors.ts';
import { notFound } from '../assets/resolve-assets.ts';
import { expired, isInfected, notPermitted, verdictRequired } from '../download/handing-out.ts';
import type { SkipReason } from '../moving/move-bytes.ts';

/** Why an asset was not changed, as its user is told. */
export function changeRefused(id: string, verb: string, reason: SkipReason, asset: Asset | undefined): AssetError {
  if (asset === undefined || reason === 'missing') return notFound(id);
  if (reason === 'infected') return isInfected(asset);
  if (reason === 'denied') return notPermitted(asset, verb);
  if (reason === 'unjudged') return verdictRequired(asset);
  if (reason === 'target-damaged') return privateCopyDamaged(asset);
  if (reason === 'expired' && isShowing(verb)) return expired(asset);
  return new AssetError('STATE_CHANGED', ...explanation(asset, verb, reason));
}

/** Nobody can be shown what has expired; out of the trash it would only come back to expire. */
function isShowing(verb: string): boolean {
  return verb === 'publish' || verb === 'unpublish';
}

function privateCopyDamaged({ id, backend }: Asset): AssetError {
  return new AssetError('BYTES_DAMAGED', `The content of asset ${id} is in "${backend}" already, but damaged there`, {
    hint: 'Repair it first: asset-cli verify --repair',
    details: { id },
  });
}

function explanation(asset: Asset, verb: string, reason: SkipReason): [message: string, options: { hint: string }] {
  const { id } = asset;
  switch (reason) {
    case 'in-trash':
      if (isShowing(verb)) {
        return [`Asset ${id} is in the trash`, { hint: `Bring it back first: asset-cli restore ${id}` }];
      }
      return [`Asset ${id} is in the trash already`, { hint: `Remove it for good: asset-cli delete ${id} --no-trash` }];
    case 'not-in-trash':
      return [`Asset ${id} is not in the trash`, { hint: 'See what is: asset-cli list --status trashed' }];
    case 'not-in-quarantine':
      return [`Asset ${id} is not in quarantine`, { hint: 'See what is: asset-cli list --status quarantined' }];
    case 'trash-ended':
      return [`The time of asset ${id} in the trash is over`, { hint: 'The next purge-expired removes it.' }];
    case 'expired':
      return [
        `Asset ${id} expired at ${asset.expiresAt}`,
        { hint: `Extend it first: asset-cli extend ${id} --expires-in 30d` },
      ];
    default:
      return [`Asset ${id} was changed by another while you tried to ${verb} it (${reason})`, { hint: 'Try again.' }];
  }
}
