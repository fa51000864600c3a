import type { StorageProvider } from '../../core/asset.ts';
import type { Identity } from '../../core/identity.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { AuditContext } from './audit.ts';
import type { ObjectRecord, StoredFacts } from './objects.ts';

/**
 * stored: its bytes are expected, of those of a damaged one something is known to be wrong. passing: on their way in or
 * out, or a former copy; abandoned: so, and its lease has run out.
 */
export type Standing = 'stored' | 'damaged' | 'passing' | 'abandoned';

/** What a store's listing is compared with: of millions of rows no more than that. */
export interface InventoryEntry
  extends Pick<ObjectRecord, 'storagePath' | 'storedSize' | 'etag' | 'storedSha256' | 'storedMd5' | 'storedCrc32c'> {
  standing: Standing;
}

/** A row of `objects`, looked at closely. */
export interface InventoryRow extends ObjectRecord {
  /** PENDING or DELETING, and nobody works on it any more. */
  leaseHasRunOut: boolean;
}

export interface AssetReference {
  objectId: string;
  assetId: string;
  organizationId: string;
}

export interface OrphanRow {
  organizationId: string;
  backend: string;
  storageProvider: StorageProvider;
  storagePath: StorageKey;
  size: number;
  sha256: string;
  isPublic: boolean;
  facts: StoredFacts;
  retainSeconds: number;
}

/** How far a deep verification of a backend came. */
export interface VerifyProgress {
  position: string;
  startedAt: string;
}

export interface InventoryRange {
  backend: string;
  prefix: string;
  /** Only paths after this one. */
  after?: string | undefined;
  /** Only paths up to this one. */
  upTo?: string | undefined;
  withChecksums: boolean;
}

export interface Inventory {
  /** Rows in every state in byte order of their paths; `withChecksums` only where the listing has some to compare. */
  page(range: InventoryRange, limit: number): Promise<InventoryEntry[]>;
  /**
   * Of each row behind one path and up to another, in byte order and at most the first 1,000, `<path>\n<size> <etag>\n`, as
   * a listing's stretch has it; whose bytes are not expected, or known to be damaged, has another second line.
   */
  text(backend: string, after: string, upTo: string): Promise<string>;
  /** Rows as they are now, by path. */
  at(backend: string, paths: readonly string[]): Promise<InventoryRow[]>;
  assetsOn(objectIds: readonly string[]): Promise<AssetReference[]>;
  /** Undamaged copies of a content, STORED before RETAINED, without `exceptId`. */
  goodCopies(organizationId: string, sha256: string, exceptId: string): Promise<ObjectRecord[]>;
  /** Makes bytes that no row knows RETAINED where they lie; undefined if a row knows them by now. */
  adopt(orphan: OrphanRow): Promise<ObjectRecord | undefined>;
  /** Marks an object and its assets as damaged, or as whole again; unless its row changed since. Audited per asset. */
  mark(
    identity: Identity,
    object: ObjectRecord,
    damaged: boolean,
    details: Readonly<Record<string, unknown>>,
    context: AuditContext,
  ): Promise<void>;
  /** Bytes that were found to be unchanged under another ETag (LOCAL: touched). */
  noteEtag(object: ObjectRecord, etag: string): Promise<void>;
  progress(backend: string, scope: string): Promise<VerifyProgress | undefined>;
  saveProgress(backend: string, scope: string, position: string): Promise<void>;
  clearProgress(backend: string, scope: string): Promise<void>;
}
