import type { Asset, StorageProvider } from '../core/asset.ts';
import type { Identity, OrganizationScope } from '../core/identity.ts';
import type { StorageKey } from '../core/storage-key.ts';
import type {
  AssetFilter,
  AssetWithObject,
  AuditContext,
  ClaimedObject,
  ContentRef,
  ObjectRecord,
  ObjectState,
  StoredFacts,
} from './catalog.ts';

// ---------------------------------------------------------------- expiry and trash

/** When an asset expires; seconds count from the database's time. */
export type Expiry = { kind: 'in'; seconds: number } | { kind: 'at'; time: string } | { kind: 'never' };

export type RefusalReason =
  | 'missing'
  | 'denied'
  | 'in-trash'
  | 'not-in-trash'
  | 'expired'
  | 'trash-ended'
  | 'not-in-quarantine'
  | 'infected'
  | 'unjudged';

export type AssetChange =
  | { kind: 'changed'; id: string; asset: Asset }
  /** A public asset: its bytes have to leave the public path, or come back to one, by a move that makes the change. */
  | { kind: 'move-needed'; id: string; found: AssetWithObject }
  | { kind: 'refused'; id: string; reason: RefusalReason; asset?: Asset };

/** Changes of single assets. Permission and condition are judged under lock; each change and refusal is audited. */
export interface LifecycleWrites {
  extend(identity: Identity, ids: readonly string[], expiry: Expiry, context: AuditContext): Promise<AssetChange[]>;
  /** The end of the time in the trash is fixed now. What no longer matches the filter is missing from the answer. */
  trash(
    identity: Identity,
    ids: readonly string[],
    retentionSeconds: number,
    context: AuditContext,
    filter?: AssetFilter,
  ): Promise<AssetChange[]>;
  restore(identity: Identity, ids: readonly string[], context: AuditContext): Promise<AssetChange[]>;
  /**
   * Whether assets may become public, or private. One that is so already is answered as it is, without an event; any
   * other needs a move, which makes the change.
   */
  changeVisibility(
    identity: Identity,
    ids: readonly string[],
    visibility: Visibility,
    context: AuditContext,
  ): Promise<AssetChange[]>;
}

export interface Visibility {
  isPublic: boolean;
  /** What was not scanned does not become public. */
  requiresVerdict: boolean;
}

// ---------------------------------------------------------------- purge

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
  asset: Asset;
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

// ---------------------------------------------------------------- leftovers

export interface LeftoverFilter {
  backends: readonly string[];
  /** Without it: of every organisation. */
  organization?: string;
  /** Only these objects. */
  objectIds?: readonly string[];
  /** Only former copies and interrupted deletes of these contents. */
  contents?: readonly ContentRef[];
}

/** Bytes on their way out, held by our claim. */
export interface Leftover extends ClaimedObject {
  /** What it was before the claim. */
  was: Exclude<ObjectState, 'STORED'>;
  organizationId: string;
  storedSize: number;
  /** The multipart session of an upload that was given up. */
  uploadSession: string | null;
}

/** PENDING and DELETING rows whose lease has run out, and RETAINED rows past their time. */
export interface Leftovers {
  count(filter: LeftoverFilter): Promise<{ backend: string; count: number }[]>;
  /**
   * Makes up to `limit` of them DELETING under new claims, the longest due first, without waiting for locks. The row
   * of a given-up upload stays for 24 hours past its lease, because a frozen host's put may still arrive: `finish`
   * then keeps the row, and a later claim repeats the delete.
   */
  claim(filter: LeftoverFilter, limit: number, leaseSeconds: number): Promise<Leftover[]>;
  /** Of these storage paths, those of uploads that are alive: PENDING with a lease that runs. */
  alivePaths(backend: string, paths: readonly string[]): Promise<Set<string>>;
}

// ---------------------------------------------------------------- moving bytes (rule 6)

export interface MoveRequest {
  sourceObjectId: string;
  backend: string;
  storageProvider: StorageProvider;
  /** A fresh key, used only if bytes have to be stored. */
  storagePath: StorageKey;
  isPublic: boolean;
  /** A copy of the source that another is making is given up: its commit finds the copy no longer to be one. */
  takesOver?: boolean;
}

export type MoveReservation =
  /** Store the bytes under the requested path, then commit with this claim. */
  | { kind: 'store'; objectId: string; claim: string; source: ObjectRecord }
  /** A private destination holds the content already: check it, then commit with it. */
  | { kind: 'use'; object: ObjectRecord; source: ObjectRecord }
  /**
   * gone: no longer STORED or RETAINED. busy: another copies it. address-taken: the path is not free (yet).
   * target-damaged: the destination holds the content already, marked as damaged.
   */
  | { kind: 'skipped'; reason: 'gone' | 'busy' | 'address-taken' | 'target-damaged' };

/** What becomes of the asset that is carried over alone, in the same transaction. */
export type CarriedChange =
  | { kind: 'trash'; retentionSeconds: number }
  | { kind: 'restore'; cdnUrl: string | null }
  | ({ kind: 'visibility'; cdnUrl: string | null } & Visibility);

/** Into quarantine, or out of it; what was public is private then. */
export type PlaceChange = 'quarantine' | 'release';

export interface MoveCommit {
  /** As the reservation gave it: if it changed since, the copy is undone. */
  source: ObjectRecord;
  target:
    | { kind: 'store'; objectId: string; claim: string; facts: StoredFacts }
    | { kind: 'use'; objectId: string; etag: string };
  /** All assets as they are at the commit, or exactly one with its change. */
  carry:
    | { kind: 'all'; change?: PlaceChange; cdnUrl?: string | null }
    | { kind: 'one'; assetId: string; change?: CarriedChange };
  /** What becomes of the source once no asset is left on it. */
  sourceEnd: { kind: 'delete' } | { kind: 'retain'; seconds: number; damaged?: boolean };
  /** The target is a former copy itself (lost+found). */
  targetRetainSeconds?: number;
  /** The bytes were copied as they are, though they are not the recorded ones. */
  targetDamaged?: boolean;
  /** Of the event of each carried asset. */
  audit: { action: string; details: Readonly<Record<string, unknown>> };
}

/** All assets of an object go with it to another backend. */
export interface WholeMove extends Pick<MoveCommit, 'source' | 'target' | 'sourceEnd' | 'targetRetainSeconds'> {
  /** Of its assets, at their new place. */
  cdnUrl: string | null;
}

export type MoveResult =
  | { kind: 'moved'; target: ObjectRecord; assets: Asset[]; removable?: ClaimedObject; discard?: ClaimedObject }
  /** Nothing was changed; our own copy, if there is one, is DELETING and to be removed at once. */
  | { kind: 'undone'; reason: 'source-changed' | 'target-changed' | RefusalReason; discard?: ClaimedObject };

export interface MoveWrites {
  /** PENDING rows with `copied_from`, which is unique: one copy of an object at a time. Same order as the requests. */
  begin(requests: readonly MoveRequest[], leaseSeconds: number): Promise<MoveReservation[]>;
  commit(identity: Identity, move: MoveCommit, leaseSeconds: number, context: AuditContext): Promise<MoveResult>;
  /** Moves of whole objects between backends, of one run, in one transaction. Same order as the moves. */
  commitAll(
    identity: Identity,
    moves: readonly WholeMove[],
    runId: string,
    leaseSeconds: number,
    context: AuditContext,
  ): Promise<MoveResult[]>;
}

// ---------------------------------------------------------------- verification

/** What a store's listing is compared with: of millions of rows no more than that. */
export interface InventoryEntry
  extends Pick<
    ObjectRecord,
    'storagePath' | 'state' | 'storedSize' | 'etag' | 'storedSha256' | 'storedMd5' | 'storedCrc32c'
  > {
  isDamaged: boolean;
  /** PENDING or DELETING, and nobody works on it any more. */
  leaseHasRunOut: boolean;
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
  withChecksums: boolean;
}

export interface Inventory {
  /** Rows in every state in byte order of their paths; `withChecksums` only where the listing has some to compare. */
  page(range: InventoryRange, limit: number): Promise<InventoryEntry[]>;
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

// ---------------------------------------------------------------- statistics

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
