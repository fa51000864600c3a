import type { Asset, StorageProvider, Tags } from '../../core/asset.ts';
import type { Identity } from '../../core/identity.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { AuditContext, Doer } from './audit.ts';
import type { ClaimedObject, ObjectRecord, StoredFacts, TransformedOriginal } from './objects.ts';
import type { FoundVerdict } from './verdicts.ts';

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
  /** Do not attach to this object, though its row looks good: its stored bytes were found wanting. */
  exceptObjectId?: string;
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
  /** It went through an image profile: what it was before, by which this content is found again. */
  original?: TransformedOriginal;
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
