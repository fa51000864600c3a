import type { Asset, AssetStatus, ScanStatus, Tags } from '../../core/asset.ts';
import type { Identity, OrganizationScope } from '../../core/identity.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { AssetWithObject, ObjectRecord, TransformedOriginal } from './objects.ts';

/** The filters of `list`; they combine with AND. */
export interface AssetFilter {
  assetType?: string;
  projectId?: string;
  userId?: string;
  backend?: string;
  /** Without it: active. 'any' takes every status. */
  status?: AssetStatus | 'any';
  scanStatus?: ScanStatus;
  /** Glob (`*`, `?`, `[…]`) over originalFilename, case-sensitive. */
  nameGlob?: string;
  /** All of them must match. */
  tags?: Tags;
  isPublic?: boolean;
  /** 'only': expired ones alone; 'include': both; default 'exclude'. */
  expired?: 'exclude' | 'only' | 'include';
  /** ISO 8601, exclusive. */
  expiresBefore?: string;
  /** Inclusive. */
  createdAfter?: string;
  /** Exclusive. */
  createdBefore?: string;
  /** Bytes, inclusive. */
  minSize?: number;
  maxSize?: number;
}

export type SortField = 'created' | 'name' | 'size' | 'expires';

export interface AssetQuery {
  filter: AssetFilter;
  sort?: { field: SortField; descending: boolean };
  limit: number;
  /** As returned by the page before; opaque. A foreign one is USAGE. */
  after?: string;
}

export interface AssetPage {
  assets: Asset[];
  nextCursor: string | null;
}

export interface ObjectPage {
  assets: AssetWithObject[];
  nextCursor: string | null;
}

export interface AssetReads {
  /** One page by keyset, newest first unless `sort` says otherwise. */
  page(scope: OrganizationScope, query: AssetQuery): Promise<AssetPage>;
  /** The same with where their bytes are, both as of one moment. */
  pageWithObjects(scope: OrganizationScope, query: AssetQuery): Promise<ObjectPage>;
  /** How many assets and bytes match: what a destructive command asks about. */
  count(scope: OrganizationScope, filter: AssetFilter): Promise<{ count: number; bytes: number }>;
  /**
   * Up to `limit` assets whose id begins with `prefix` (at least 8 characters; a whole id too), in id
   * order, among what the identity may see: its organisation and what is public, an operator everything.
   * Every status, expired ones too.
   */
  byIdPrefix(identity: Identity, prefix: string, limit: number): Promise<AssetWithObject[]>;
  /** By whole ids, the same visibility; absent ones are missing from the answer. */
  byIds(identity: Identity, ids: readonly string[]): Promise<AssetWithObject[]>;
  /** The identity's own active, unexpired assets of the same type, project, name and content (`--skip-existing`). */
  sameUploads(identity: Identity, candidates: readonly SameUploadQuery[]): Promise<(Asset | undefined)[]>;
  /**
   * What a signed URL may lead to: what is STORED under a key, with an asset on it that is active and unexpired; or an
   * undamaged former copy there, whose content has such an asset in its organisation, a public one at that very path.
   */
  servable(backend: string, storagePath: StorageKey): Promise<ServableObject | undefined>;
  /** Which of these private contents (SHA-256) a backend already holds undamaged for the organisation (`--dry-run`). */
  storedHashes(organizationId: string, backend: string, hashes: readonly string[]): Promise<Set<string>>;
  /**
   * What became of this original by this profile in an upload to any backend of the organisation, as long as an asset of
   * that content is left. undefined: it has to be decoded, because that is not known, or not stored undamaged in this backend.
   */
  knownResult(organizationId: string, backend: string, original: TransformedOriginal): Promise<KnownResult | undefined>;
}

export interface ServableObject {
  object: ObjectRecord;
  /** Of its content; never INFECTED. */
  scanStatus: ScanStatus;
  /** What browsers are told of it if it is public, and so of one asset alone. */
  asset: Pick<Asset, 'mimeType' | 'originalFilename' | 'isProcessed' | 'expiresAt'>;
}

export type KnownResult =
  /** The original is best left as it is, wherever it is stored. */
  | { kind: 'as-it-came' }
  /** An undamaged stored copy of what was made of it; a private one if there is one. */
  | { kind: 'stored'; object: ObjectRecord; mimeType: string };

export interface SameUploadQuery {
  assetType: string;
  projectId: string | null;
  originalFilename: string;
  fileHash: string;
  isPublic: boolean;
}
