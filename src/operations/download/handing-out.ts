import type { AssetWithObject } from '../../catalog/catalog.ts';
import { decideOnAsset } from '../../core/access-policy.ts';
import type { Asset } from '../../core/asset.ts';
import { AssetError } from '../../core/errors.ts';
import { notFound } from '../assets/resolve-assets.ts';
import type { OperationContext } from '../context.ts';

/** Who asks, whether verdicts are required, and whose clock counts. */
export type Handing = Pick<OperationContext, 'identity' | 'scanning' | 'catalog'>;

/**
 * Whether an asset's content may be handed out: does it exist for this identity (4), may it (5),
 * is it clean (7), in this order; where verdicts are required, whether there is one (5).
 * @throws AssetError ASSET_NOT_FOUND, ASSET_EXPIRED, NOT_PERMITTED, VIRUS_FOUND, VERDICT_REQUIRED
 */
export async function checkHandingOut(handing: Handing, { asset }: AssetWithObject): Promise<void> {
  const { identity, scanning } = handing;
  const decision = decideOnAsset(identity, 'read', asset);
  if (decision === 'hide' || asset.status === 'trashed') throw notFound(asset.id);
  if (decision === 'deny') throw notPermitted(asset, 'read');
  if (asset.expiresAt !== null) await refuseExpired(handing, asset, asset.expiresAt);
  if (asset.virusScanStatus === 'INFECTED' || asset.status === 'quarantined') throw isInfected(asset);
  if (asset.virusScanStatus === 'PENDING' && scanning.mode === 'required') throw verdictRequired(asset);
}

/** In quarantine, or on its way there; what is in the trash comes out of that first. */
export function isKeptBack({ status, trashedAt, virusScanStatus }: Asset): boolean {
  return status === 'quarantined' || (trashedAt === null && virusScanStatus === 'INFECTED');
}

export function notPermitted(asset: Asset, verb: string): AssetError {
  const isForAdmins = asset.userId === null || (verb === 'restore' && isKeptBack(asset));
  return new AssetError('NOT_PERMITTED', `You may not ${verb} asset ${asset.id}`, {
    hint: `${isForAdmins ? 'An' : 'Its owner, an'} admin of its organisation or an operator may.`,
    details: { id: asset.id },
  });
}

/** By the database's clock, as everything that ends: this host's may be off. */
async function refuseExpired({ catalog }: Handing, asset: Asset, expiresAt: string): Promise<void> {
  const now = await (await catalog()).maintenance.time();
  if (Date.parse(expiresAt) <= now.getTime()) throw expired(asset);
}

export function expired({ id, expiresAt }: Asset): AssetError {
  return new AssetError('ASSET_EXPIRED', `Asset ${id} expired at ${expiresAt}`, {
    hint: 'Expired assets are listed with: asset-cli list --expired',
    details: { id, expiresAt },
  });
}

export function isInfected(asset: Asset): AssetError {
  const signature = asset.virusScanStatus === 'INFECTED' ? (asset.virusScanResult ?? 'unknown signature') : null;
  const what = signature === null ? 'is in quarantine' : `is infected: ${signature}`;
  return new AssetError('VIRUS_FOUND', `Asset ${asset.id} ${what}`, {
    hint: 'It is not handed out. An admin may release it with: asset-cli restore <id>',
    details: { id: asset.id, signature },
  });
}

export function verdictRequired(asset: Asset): AssetError {
  const { virusScanResult: reason } = asset;
  const first = reason === null ? 'Have it scanned' : 'When clamd takes such files (asset-cli doctor), scan it again';
  return new AssetError('VERDICT_REQUIRED', `Asset ${asset.id} has no verdict: ${reason ?? 'it was not scanned yet'}`, {
    hint: `scan.mode is required. ${first}: asset-cli scan <id>`,
    details: { id: asset.id },
  });
}
