import type { AssetFilter, FoundVerdict, OnInfected, ScanCondition } from '../../catalog/catalog.ts';
import type { FailureRecord } from '../../core/errors.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import type { Loan } from '../../core/lent-memory.ts';
import type { Scanner } from '../../scan/scanner.ts';
import type { OperationContext } from '../context.ts';
import type { Treatment } from './infected-content.ts';

export interface ScanRequest {
  selection:
    | { kind: 'ids'; ids: Iterable<string> | AsyncIterable<string> }
    | {
        kind: 'filter';
        scope: OrganizationScope;
        filter: AssetFilter;
        /** What of it: without a verdict, judged by older signatures, or whatever it is. */
        which: ScanCondition['kind'];
        /** Nothing narrows it down: a scan of everything, which goes on if it was interrupted. */
        everything: boolean;
      };
  onInfected: OnInfected;
  /** Contents at once. */
  concurrency: number;
}

export type ScanOutcome =
  | {
      kind: 'judged';
      verdict: FoundVerdict;
      organizationId: string;
      sha256: string;
      bytes: number;
      /** Unless it is CLEAN. */
      assetIds: string[];
      /** Of infected content. */
      treatment?: Treatment;
    }
  /** Another host has them, and did not come to an end in the time of a lease; or their last assets went meanwhile. */
  | { kind: 'skipped'; count: number }
  | { kind: 'failed'; id: string; failure: FailureRecord };

export interface ScanRun {
  context: OperationContext;
  request: ScanRequest;
  scanner: Scanner;
  /** Memory for a small content, and for what a scanner needs around it. */
  lend: () => Loan | undefined;
  /** Contents that this run holds, by key. */
  inHand: Set<string>;
  /** Contents that could not be judged, by key: told once, and not tried again by this run. */
  failed: Set<string>;
  /** Contents that others hold, met in the pass under way. */
  busy: number;
  /** The scanner went away: no new work is taken. */
  fatal?: Error;
}

export function mustStop({ context, fatal }: ScanRun): boolean {
  return context.signal.aborted || fatal !== undefined;
}
