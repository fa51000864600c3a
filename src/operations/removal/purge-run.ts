import type { PurgeKind } from '../../catalog/catalog.ts';
import type { FailureRecord } from '../../core/errors.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import type { OperationContext } from '../context.ts';
import type { StoresInUse } from '../stores/stores-in-use.ts';
import type { MaxDelete } from './max-delete.ts';

export interface PurgeRequest {
  /** Operators only. */
  allOrganizations: boolean;
  dryRun: boolean;
  backend?: string;
  assetType?: string;
  projectId?: string;
  /** Only what was due before (ISO 8601). */
  before?: string;
  /** Assets at most. */
  limit?: number;
  /** Assets a transaction; without it, what suits the database. */
  batchSize?: number;
  /** Milliseconds; the batch under way is finished. */
  maxDuration?: number;
  maxDelete?: MaxDelete;
}

export type PurgeOutcome =
  /** Said first: assets that were due when everything was open and nothing removed. */
  | { kind: 'due'; count: number }
  | { kind: 'purged' | 'would-purge'; id: string; reason: PurgeKind; organizationId: string; bytes: number }
  /** Interrupted uploads and deletes, former copies past their time, multipart leftovers. */
  | { kind: 'leftovers'; count: number; bytes: number }
  /** Infected content of an interrupted scan, out of reach now. */
  | { kind: 'quarantined'; count: number }
  /** What is due and still there, because of a limit, a store that is down, or another that holds it. */
  | { kind: 'remaining'; count: number }
  /** `subject` is an asset, a content or a backend. */
  | { kind: 'failed'; subject: { id: string } | { backend: string } | { sha256: string }; failure: FailureRecord };

export interface PurgeRun {
  context: OperationContext;
  request: PurgeRequest;
  scope: OrganizationScope;
  organizations: readonly string[];
  stores: StoresInUse;
  batchSize: number;
  /** Assets that may still be removed. */
  left: number;
  /** On performance.now(). */
  deadline: number;
}

/** The time is over, or the user wants to stop; the batch under way is finished. */
export function mustStop({ context, deadline }: PurgeRun): boolean {
  return context.signal.aborted || performance.now() >= deadline;
}
