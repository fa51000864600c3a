import type { OrganizationScope } from '../../core/identity.ts';
import type { ObjectState } from './objects.ts';

export interface StatCount {
  count: number;
  bytes: number;
}

/** Assets that agree in all of these. */
export interface AssetStat extends StatCount {
  organizationId: string;
  assetType: string;
  backend: string;
  status: string;
  scanStatus: string;
}

export interface CatalogStatistics {
  assets: AssetStat[];
  /** Bytes as they lie in the stores. */
  objects: ({ backend: string; state: ObjectState } & StatCount)[];
  /** Expired already, and what follows within so many days (cumulative). */
  expired: StatCount;
  expiring: ({ days: number } & StatCount)[];
  /** Content bytes of assets that need none of their own, because others hold the same. */
  deduplicated: StatCount;
  /** Objects that are stored compressed, and the bytes that they take less than their content. */
  compressed: StatCount;
}

export interface Statistics {
  /** `backend`: of what lies there alone. */
  read(scope: OrganizationScope, backend?: string): Promise<CatalogStatistics>;
}
