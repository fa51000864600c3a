import type { AssetWithObject } from '../catalog/catalog.ts';
import { decideOnAsset } from '../core/access-policy.ts';
import type { Asset } from '../core/asset.ts';
import { AssetError } from '../core/errors.ts';
import type { Identity } from '../core/identity.ts';
import { notFound } from './resolve-assets.ts';

/**
 * Whether an asset's content may be handed out: does it exist for this identity (4), may it (5),
 * is it clean (7), in this order.
 * @throws AssetError ASSET_NOT_FOUND, ASSET_EXPIRED, NOT_PERMITTED, VIRUS_FOUND
 */
export function checkHandingOut(identity: Identity, { asset }: AssetWithObject, now: Date): void {
  const decision = decideOnAsset(identity, 'read', asset);
  if (decision === 'hide' || asset.status === 'trashed') throw notFound(asset.id);
  if (decision === 'deny') throw notPermitted(asset, 'read');
  if (asset.expiresAt !== null && Date.parse(asset.expiresAt) <= now.getTime()) throw expired(asset, asset.expiresAt);
  if (asset.virusScanStatus === 'INFECTED' || asset.status === 'quarantined') throw isInfected(asset);
}

export function notPermitted(asset: Asset, verb: string): AssetError {
  return new AssetError('NOT_PERMITTED', `You may not ${verb} asset ${asset.id}`, {
    hint: 'Its owner, an admin of its organisation or an operator may.',
    details: { id: asset.id },
  });
}

function expired(asset: Asset, expiresAt: string): AssetError {
  return new AssetError('ASSET_EXPIRED', `Asset ${asset.id} expired at ${expiresAt}`, {
    hint: 'Expired assets are listed with: asset-cli list --expired',
    details: { id: asset.id, expiresAt },
  });
}

function isInfected(asset: Asset): AssetError {
  return new AssetError(
    'VIRUS_FOUND',
    `Asset ${asset.id} is infected: ${asset.virusScanResult ?? 'unknown signature'}`,
    {
      hint: 'It is not handed out.',
      details: { id: asset.id, signature: asset.virusScanResult },
    },
  );
}
