import type { Asset } from '../../core/asset.ts';
import type { Identity, OrganizationScope } from '../../core/identity.ts';
import type { AuditContext } from './audit.ts';
import type { ClaimedObject } from './objects.ts';

/** 'expired': past its expiry and not in the trash. 'trash': past the end of its time there. */
export type PurgeKind = 'expired' | 'trash';

export interface PurgeFilter {
  organization: string;
  kind: PurgeKind;
  /** Only assets in these; the others' stores cannot be used now. */
  backends: readonly string[];
  assetType?: string;
  projectId?: string;
  /** Only what was due before this time (ISO 8601), which never reaches past now. */
  before?: string;
}

export interface PurgedAsset {
  asset: Pick<Asset, 'id' | 'organizationId' | 'fileHash' | 'isPublic'>;
  /** 0 if another asset still needs the bytes. */
  bytesFreed: number;
  removable?: ClaimedObject;
}

export interface AssetPurge {
  /** The organisations of a scope that have assets. */
  organizations(scope: OrganizationScope): Promise<string[]>;
  /** How much is due, by backend. */
  due(filter: Omit<PurgeFilter, 'backends'>): Promise<{ backend: string; count: number; bytes: number }[]>;
  /** What `take` would take, in its order: the longest due first. */
  page(filter: PurgeFilter, limit: number, after?: string): Promise<{ assets: Asset[]; nextCursor: string | null }>;
  /**
   * Removes up to `limit` assets in one transaction that locks them and repeats the whole condition, without ever
   * waiting for a lock: what another transaction holds is left for later. An empty answer says that nothing was free.
   */
  take(
    identity: Identity,
    filter: PurgeFilter,
    limit: number,
    leaseSeconds: number,
    context: AuditContext,
  ): Promise<PurgedAsset[]>;
}
