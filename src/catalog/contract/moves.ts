import type { Asset, StorageProvider } from '../../core/asset.ts';
import type { Identity } from '../../core/identity.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { AuditContext } from './audit.ts';
import type { RefusalReason, Visibility } from './lifecycle.ts';
import type { ClaimedObject, ObjectRecord, ObjectState, StoredFacts } from './objects.ts';

export interface MoveRequest {
  sourceObjectId: string;
  /** As it was met: in another state, what is to become of it is no longer the same. Absent: in either. */
  sourceState?: ObjectState;
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
   * gone: no longer STORED or RETAINED, or not as it was met. busy: another copies it. address-taken: the path is not free
   * (yet). target-damaged: the destination holds the content already, marked as damaged.
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

/** An asset that was carried over. */
export type MovedAsset = Pick<Asset, 'id' | 'organizationId' | 'fileSize' | 'fileHash'>;

export type WholeMoveResult =
  | {
      kind: 'moved';
      target: Pick<ObjectRecord, 'backend' | 'storagePath'>;
      assets: MovedAsset[];
      removable?: ClaimedObject;
      discard?: ClaimedObject;
    }
  | Extract<MoveResult, { kind: 'undone' }>;

export interface MoveWrites {
  /** PENDING rows with `copied_from`, which is unique: one copy of an object at a time. Same order as the requests. */
  begin(requests: readonly MoveRequest[], leaseSeconds: number): Promise<MoveReservation[]>;
  commit(identity: Identity, move: MoveCommit, leaseSeconds: number, context: AuditContext): Promise<MoveResult>;
  /** Moves of whole objects to another backend, of one run, in one transaction. Same order as the moves. */
  commitAll(
    identity: Identity,
    moves: readonly WholeMove[],
    run: { id: string; to: string },
    leaseSeconds: number,
    context: AuditContext,
  ): Promise<WholeMoveResult[]>;
}
