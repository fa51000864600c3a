import type { FailureRecord } from '../../core/errors.ts';
import type { StorageBackend } from '../../storage/backend.ts';
import type { OperationContext } from '../context.ts';

export interface VerifyRequest {
  /** Operators only. */
  allOrganizations: boolean;
  backend?: string;
  /** Read every byte and hash it. */
  deep: boolean;
  /** Go on where an earlier deep verification of the same scope stopped. */
  resume: boolean;
  repair: boolean;
}

/**
 * missing: a row without its bytes. corrupt: bytes that are not the recorded ones. orphaned: bytes of ours without a
 * row. abandoned: a row of an upload or delete that nobody works on any more.
 */
export type FindingKind = 'missing' | 'corrupt' | 'orphaned' | 'abandoned';

export interface Finding {
  kind: FindingKind;
  backend: string;
  storagePath: string;
  organizationId: string;
  /** null: no row knows it. */
  objectId: string | null;
  assetIds: string[];
  bytes: number;
  /** In one line, what differs. */
  detail: string;
  /** What was done about it: only with `repair`. */
  repair: Repair | null;
}

export type Repair =
  /** Bytes taken from a good copy, an interrupted deed finished or undone, an orphan moved to lost+found. */
  | { kind: 'repaired'; how: string }
  /** Nothing to repair it with: its assets are marked as damaged. */
  | { kind: 'marked'; how: string }
  /** Another was at work on it, for longer than a lease. */
  | { kind: 'skipped'; how: string }
  | { kind: 'failed'; failure: FailureRecord };

export type VerifyOutcome =
  | { kind: 'finding'; finding: Finding }
  /** Objects that were compared since the last of these. */
  | { kind: 'checked'; count: number }
  /** Marked as damaged earlier, and whole again; or touched, with the same bytes. */
  | { kind: 'healed'; backend: string; storagePath: string }
  /** Of one object, or of all that is left of the backend. */
  | { kind: 'failed'; backend: string; storagePath?: string; failure: FailureRecord };

/** One backend under verification. */
export interface Verification {
  context: OperationContext;
  request: VerifyRequest;
  store: StorageBackend;
  /** Orphans belong to the store, and thus to operators. */
  touchesOrphans: boolean;
  /** Those that have assets, or had a minute ago. */
  organizations: () => Promise<readonly string[]>;
}

/** Something that looks wrong, or has to be read, in a comparison that may be stale. */
export interface Suspect {
  kind: 'row' | 'bytes';
  path: string;
}
