import type { Asset, StorageProvider } from '../../core/asset.ts';
import type { StorageKey } from '../../core/storage-key.ts';

/** Content within an organisation: what a verdict is about, however many assets share it. */
export interface ContentRef {
  organizationId: string;
  sha256: string;
}

/** PENDING: being written, its writer's alone. RETAINED: a former copy, kept for a while. DELETING never goes back. */
export type ObjectState = 'PENDING' | 'STORED' | 'RETAINED' | 'DELETING';

/** What the store reported of the bytes that it holds; only what it can check. */
export interface StoredFacts {
  storedSize: number;
  contentEncoding: string | null;
  storedSha256: string | null;
  storedMd5: string | null;
  storedCrc32c: string | null;
  etag: string;
}

/** A row of `objects`: bytes in a store. */
export interface ObjectRecord extends StoredFacts {
  id: string;
  organizationId: string;
  backend: string;
  storageProvider: StorageProvider;
  storagePath: StorageKey;
  /** Of the content. */
  size: number;
  sha256: string;
  isPublic: boolean;
  state: ObjectState;
  claim: string | null;
  leaseExpiresAt: string | null;
  damagedAt: string | null;
}

export interface AssetWithObject {
  asset: Asset;
  object: ObjectRecord;
}

/** An image as it was before it went through a profile. */
export interface TransformedOriginal {
  sha256: string;
  /** profileName() of the settings. */
  profile: string;
}

/** An object in state DELETING or PENDING that this process holds by claim. */
export interface ClaimedObject {
  objectId: string;
  claim: string;
  backend: string;
  storagePath: StorageKey;
}
