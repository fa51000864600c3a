import type { Asset, AssetStatus, ScanStatus, StorageProvider, Tags } from '../core/asset.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Identity, OrganizationScope } from '../core/identity.ts';
import type { StorageKey } from '../core/storage-key.ts';
import type {
  AssetPurge,
  Inventory,
  Leftovers,
  LifecycleWrites,
  MoveWrites,
  Statistics,
} from './lifecycle-contract.ts';
import type { MigrationRuns } from './migration-contract.ts';
import type { Tokens } from './token-contract.ts';
import type { FoundVerdict, Verdicts } from './verdict-contract.ts';

export type * from './lifecycle-contract.ts';
export type * from './migration-contract.ts';
export type * from './token-contract.ts';
export type * from './verdict-contract.ts';

/**
 * The catalog: what is known about every stored file. Every method that changes something is
 * one transaction and writes its audit events in it. Rejections are AssetErrors
 * (DATABASE_LOCKED, UNAVAILABLE, READ_ONLY, DATABASE_CORRUPT, …).
 *
 * Times that are compared are the database's own. Every transaction that adds, moves or removes
 * a reference locks the content's verdict row first, then the object's row (in id order), and
 * only then reads the state and counts.
 */
export interface Catalog {
  readonly kind: 'sqlite' | 'postgres';
  /** Made when the catalog is created or restored; the stores' markers name it. */
  readonly catalogId: string;

  readonly assets: AssetReads;
  readonly uploads: UploadWrites;
  readonly deletes: DeleteWrites;
  readonly lifecycle: LifecycleWrites;
  readonly purge: AssetPurge;
  readonly leftovers: Leftovers;
  readonly moves: MoveWrites;
  readonly migrations: MigrationRuns;
  readonly verdicts: Verdicts;
  readonly inventory: Inventory;
  readonly statistics: Statistics;
  readonly audit: AuditLog;
  readonly tokens: Tokens;
  readonly backends: BackendRegistry;
  readonly maintenance: CatalogMaintenance;

  close(): Promise<void>;
}

// ---------------------------------------------------------------- stored objects

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
  /** Of an image that went through a profile; every copy keeps it. */
  original: TransformedOriginal | null;
}

export interface AssetWithObject {
  asset: Asset;
  object: ObjectRecord;
}

// ---------------------------------------------------------------- reading assets

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

export interface AssetReads {
  /** One page by keyset, newest first unless `sort` says otherwise. */
  page(scope: OrganizationScope, query: AssetQuery): Promise<AssetPage>;
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
  /** What is STORED under a key, with an asset on it that is active and unexpired: what a signed URL may lead to. */
  servable(backend: string, storagePath: StorageKey): Promise<ServableObject | undefined>;
  /** Which of these private contents (SHA-256) a backend already holds undamaged for the organisation (`--dry-run`). */
  storedHashes(organizationId: string, backend: string, hashes: readonly string[]): Promise<Set<string>>;
  /** The undamaged private content of a backend that was made of this original by this profile. */
  transformed(
    organizationId: string,
    backend: string,
    original: TransformedOriginal,
  ): Promise<TransformedContent | undefined>;
}

export interface ServableObject {
  object: ObjectRecord;
  /** Of its content; never INFECTED. */
  scanStatus: ScanStatus;
}

/** What became of an original by a profile. */
export interface TransformedContent {
  sha256: string;
  size: number;
  mimeType: string;
}

export interface SameUploadQuery {
  assetType: string;
  projectId: string | null;
  originalFilename: string;
  fileHash: string;
  isPublic: boolean;
}

// ---------------------------------------------------------------- uploading

/** Asks for a place for content. */
export interface ReservationRequest {
  organizationId: string;
  backend: string;
  storageProvider: StorageProvider;
  /** A fresh key, used only if new bytes have to be stored. */
  storagePath: StorageKey;
  size: number;
  sha256: string;
  isPublic: boolean;
  /** It went through an image profile: what it was before, by which it is found again. */
  original?: TransformedOriginal;
  /** Do not attach to this object, though its row looks good: its stored bytes were found wanting. */
  exceptObjectId?: string;
}

export interface TransformedOriginal {
  sha256: string;
  profile: string;
}

export type Reservation =
  /** Store the bytes under the requested path, then commit with this claim. */
  | { kind: 'store'; objectId: string; claim: string }
  /** The content is stored already: stat it against this record, then commit by attaching. */
  | { kind: 'attach'; object: ObjectRecord }
  /** Another request of the same call stores this content: commit by attaching to it, in the same commit. */
  | { kind: 'same-as'; index: number }
  /** Known as infected in this organisation. */
  | { kind: 'infected'; result: string };

export interface NewAsset {
  originalFilename: string;
  mimeType: string;
  assetType: string;
  userId: string | null;
  projectId: string | null;
  scanResultId: string | null;
  tags: Tags;
  cdnUrl: string | null;
  isProcessed: boolean;
  /** ISO 8601, or null. */
  expiresAt: string | null;
  /** Instead of expiresAt: so long after the database's time of the commit. */
  expiresInSeconds?: number;
}

export interface UploadCommit {
  organizationId: string;
  sha256: string;
  asset: NewAsset;
  /** What a scan found in the content: written for all assets of it in the same transaction. */
  verdict?: FoundVerdict;
  /** Whose upload it is, where several share a commit; without it: who commits. */
  by?: Doer;
  /** Goes into the audit event beside the asset's own facts. */
  auditDetails?: Readonly<Record<string, unknown>>;
  object:
    | {
        kind: 'store';
        objectId: string;
        claim: string;
        facts: StoredFacts;
        /**
         * A stored copy of the same content that was found damaged or missing: its assets move to the new
         * bytes in the same transaction and it turns RETAINED for 30 days, damaged. If it is no longer STORED,
         * this is an ordinary commit.
         */
        replacesObjectId?: string;
      }
    | { kind: 'attach'; objectId: string; etag: string }
    | { kind: 'same-as'; index: number };
}

export type UploadCommitResult =
  | {
      kind: 'committed';
      asset: Asset;
      /** On bytes that were stored before, or by another. */
      deduplicated: boolean;
      /** Our own bytes, stored in vain because another was first: now DELETING, to be removed at once. */
      discard?: ClaimedObject;
    }
  /** The object to attach to is no longer STORED as it was: reserve and store anew. */
  | { kind: 'lost' }
  | { kind: 'infected'; result: string; discard?: ClaimedObject };

/** An object in state DELETING or PENDING that this process holds by claim. */
export interface ClaimedObject {
  objectId: string;
  claim: string;
  backend: string;
  storagePath: StorageKey;
}

export interface UploadWrites {
  /** Rule 1 of the protocol, its first transaction: PENDING rows with claims and leases. Same order as the requests. */
  reserve(requests: readonly ReservationRequest[], leaseSeconds: number): Promise<Reservation[]>;
  /** Rule 1, its last transaction. Same order as the commits. */
  commit(identity: Identity, commits: readonly UploadCommit[], context: AuditContext): Promise<UploadCommitResult[]>;
  /** Prolongs the leases of PENDING and DELETING rows that are still held by these claims. */
  renew(claims: readonly { objectId: string; claim: string }[], leaseSeconds: number): Promise<void>;
  /** An upload that failed: our PENDING rows turn DELETING (claim kept), so that their bytes can be removed. */
  abandon(claims: readonly { objectId: string; claim: string }[], leaseSeconds: number): Promise<ClaimedObject[]>;
  /** Records the multipart session of a PENDING row. */
  recordSession(objectId: string, claim: string, session: string): Promise<void>;
}

// ---------------------------------------------------------------- deleting

export type DeleteResult =
  | { kind: 'deleted'; id: string; asset: Asset; bytesFreed: number; removable?: ClaimedObject }
  /** STATE_CHANGED: it went into the trash, or came back from there, since it was chosen. */
  | { kind: 'refused'; id: string; code: ErrorCode }
  /** What it was chosen by is no longer true of it. */
  | { kind: 'unmatched'; id: string };

/** What was true of assets when they were chosen; it must still be true when they go. */
export interface DeleteExpectation {
  /** Those of them that were in the trash; the others were not. */
  trashed?: ReadonlySet<string>;
  filter?: AssetFilter;
}

export interface DeleteWrites {
  /**
   * Rule 3, first half: repeats permission and expectation under lock; the last reference makes the object DELETING
   * with a lease.
   */
  deleteAssets(
    identity: Identity,
    ids: readonly string[],
    leaseSeconds: number,
    context: AuditContext,
    expected?: DeleteExpectation,
  ): Promise<DeleteResult[]>;
  /**
   * Rule 3, second half: the bytes are gone, the rows go (only with a matching claim). A row that must outlive its
   * bytes for a while (rule 4) loses its claim and comes up again as a leftover when that time is over.
   */
  finish(removed: readonly { objectId: string; claim: string }[]): Promise<void>;
}

// ---------------------------------------------------------------- audit

export type AuditOutcome = 'success' | 'refused' | 'failed';

/** The same for every event of one run of a command. */
export interface AuditContext {
  host: string;
  correlationId: string;
}

/** Who does something, and in which run or request. */
export interface Doer {
  identity: Identity;
  audit: AuditContext;
}

export interface NewAuditEvent {
  actor: string | null;
  organizationId: string;
  action: string;
  assetId: string | null;
  outcome: AuditOutcome;
  details: Readonly<Record<string, unknown>>;
  /** Where events of several requests are written at once: that of this one. */
  context?: AuditContext;
}

export interface AuditEvent extends Omit<NewAuditEvent, 'context'> {
  id: string;
  time: string;
  host: string;
  correlationId: string;
}

export interface AuditFilter {
  assetId?: string;
  /** Inclusive, ISO 8601. */
  since?: string;
  /** Exclusive. */
  until?: string;
  action?: string;
  actor?: string;
  /** Only events of assets that this user owns or owned, and events that it caused: what a member may see. */
  visibleToUser?: string;
}

export interface Download {
  by: Doer;
  assetId: string;
  organizationId: string;
  bytes: number;
}

export interface AuditLog {
  record(events: readonly NewAuditEvent[], context: AuditContext): Promise<void>;
  /** Counts downloads and records their events, in one transaction that gives up after `waitMilliseconds`. */
  recordDownloads(downloads: readonly Download[], waitMilliseconds: number): Promise<void>;
  /** Newest first, by keyset. */
  page(
    scope: OrganizationScope,
    filter: AuditFilter,
    limit: number,
    after?: string,
  ): Promise<{ events: AuditEvent[]; nextCursor: string | null }>;
}

// ---------------------------------------------------------------- backends and upkeep

export interface BackendRecord {
  name: string;
  backendId: string;
  provider: StorageProvider;
  /** When the store's marker was seen to be ours; null: the first use did not finish. */
  markedAt: string | null;
}

export interface BackendRegistry {
  /** Commits an id for the backend on its first use; later the same record. */
  register(name: string, provider: StorageProvider): Promise<BackendRecord>;
  find(name: string): Promise<BackendRecord | undefined>;
  /** By name. */
  list(): Promise<BackendRecord[]>;
  setMarked(name: string, backendId: string): Promise<void>;
  /** A new id for a store that is taken over, unmarked until its marker is written; audited. */
  adopt(name: string, provider: StorageProvider, identity: Identity, context: AuditContext): Promise<BackendRecord>;
}

export interface CatalogStatus {
  kind: 'sqlite' | 'postgres';
  /** Without secrets. */
  location: string;
  catalogId: string;
  schemaVersion: number;
  newestVersion: number;
  /** Bytes on disk, where the database can tell. */
  size: number | null;
  serverVersion: string;
  assets: Record<AssetStatus, number>;
  objects: Record<ObjectState, number>;
  auditEvents: number;
  /** PENDING and DELETING rows whose lease has run out. */
  expiredLeases: { pending: number; deleting: number };
}

export interface CatalogMaintenance {
  status(): Promise<CatalogStatus>;
  /** A quick proof that the database answers and is whole (SQLite: quick_check). */
  check(): Promise<void>;
  /** Proves that this login can change something: a change is begun and taken back. READ_ONLY, NOT_PERMITTED, … */
  probeWriting(): Promise<void>;
  /** The database's clock, by which whatever ends is judged. */
  time(): Promise<Date>;
  /** One documented, consistent export: JSON lines, the same from both databases (docs/backup-format.md). */
  exportLines(): AsyncIterable<string>;
  /** Into an empty catalog; a new catalog id, every backend unmarked. USAGE if anything is in it. */
  importLines(lines: AsyncIterable<string>): Promise<{ assets: number; objects: number; auditEvents: number }>;
}

export interface OpenCatalogOptions {
  /** How long to wait for locks, in milliseconds, before DATABASE_LOCKED. */
  lockTimeout: number;
  /** 'auto': bring an older or empty schema up to date when opening; 'never': DATABASE_UNUSABLE instead. */
  migrate: 'auto' | 'never';
  /** Do not create anything; `list` on a database that does not exist finds nothing. */
  readOnly?: boolean;
  /** How long to go on trying while the database is away in the middle of the work, in milliseconds (60 s). */
  deadline?: number;
  /** The PG* variables, which complete a postgres:// URL as psql does it. */
  environment?: Readonly<Record<string, string | undefined>>;
}
