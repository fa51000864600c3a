import type { Asset } from '../../core/asset.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { Identity } from '../../core/identity.ts';
import type { AuditContext } from './audit.ts';
import type { ClaimedObject } from './objects.ts';
import type { AssetFilter } from './reads.ts';

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
