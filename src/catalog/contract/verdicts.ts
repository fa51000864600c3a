import type { Asset, ScanStatus } from '../../core/asset.ts';
import type { Identity, OrganizationScope } from '../../core/identity.ts';
import type { AuditContext } from './audit.ts';
import type { RefusalReason } from './lifecycle.ts';
import type { ClaimedObject, ContentRef, ObjectRecord } from './objects.ts';

/** What a scan found. When it was found is the database's time of writing it down. */
export interface FoundVerdict {
  status: ScanStatus;
  /** INFECTED: the signature's name. PENDING: why the content was not fully examined. CLEAN: null. */
  result: string | null;
  /** null: the scanner's signatures bear no number. */
  signatureVersion: string | null;
}

export interface KnownVerdict extends FoundVerdict {
  /** null: never scanned. */
  scannedAt: string | null;
}

/** What is to become of infected content: its bytes leave their keys, or its assets go. */
export type OnInfected = 'quarantine' | 'delete';

/** Which of the contents on offer are to be scanned. */
export interface ScanCondition {
  /** pending: without a verdict. stale: judged, but by older signatures than `signatureVersion`. all: whatever they are. */
  kind: 'pending' | 'stale' | 'all';
  /** What was judged at or after this time (of the database) is done. */
  judgedBefore: string;
  /** For stale. */
  signatureVersion?: string;
}

/** Content to scan, held by a claim with a lease. */
export interface ScanJob extends ContentRef {
  claim: string;
  /** Its stored copies, undamaged ones first; empty if it went meanwhile. */
  copies: ObjectRecord[];
}

export interface ScanClaims {
  jobs: ScanJob[];
  /** So many more are under another's live lease. */
  busy: number;
  /** So many more meet the condition: they were beyond the limit, or locked at that moment. */
  more: number;
}

export interface ScanFinding extends ContentRef {
  /** Without one (an upload): written whatever claims there are. */
  claim?: string;
  verdict: FoundVerdict;
  onInfected: OnInfected;
}

export type RecordedFinding =
  | {
      kind: 'recorded';
      /** As it is now: a signature that was accepted is CLEAN, and what is known as infected never turns PENDING. */
      verdict: FoundVerdict;
      /** The assets of the content, unless it is CLEAN. */
      assetIds: string[];
    }
  /** The claim is another's by now; nothing was written. */
  | { kind: 'lost' };

/** Infected content for which something is still to be done. */
export interface WantedContent extends ContentRef {
  wanted: OnInfected;
  signature: string;
  signatureVersion: string | null;
  assetIds: string[];
}

export type Acceptance =
  | { kind: 'accepted'; signature: string | null; content: ContentRef }
  | { kind: 'refused'; reason: RefusalReason };

/** Verdicts of virus scans, one for each content of an organisation. */
export interface Verdicts {
  /** Of those of the contents that were ever uploaded or judged. */
  known(organizationId: string, hashes: readonly string[]): Promise<Map<string, KnownVerdict>>;
  /** When a scan of everything began: an interrupted one goes on, and hosts share it, within a day. */
  startRun(organizationId: string): Promise<string>;
  endRun(organizationId: string, startedAt: string): Promise<void>;
  /** Claims up to `limit` of the contents that meet the condition and that nobody else holds. */
  claim(
    contents: readonly ContentRef[],
    condition: ScanCondition,
    limit: number,
    leaseSeconds: number,
  ): Promise<ScanClaims>;
  renew(jobs: readonly (ContentRef & { claim: string })[], leaseSeconds: number): Promise<void>;
  /** Gives claims back without a verdict. */
  release(jobs: readonly (ContentRef & { claim: string })[]): Promise<void>;
  /**
   * Writes verdicts for every asset of their contents, in one transaction that checks the claims and ends them. Content
   * that turns INFECTED loses its former copies, and what is wanted is noted with it. Audited for each asset that changes.
   */
  record(identity: Identity, findings: readonly ScanFinding[], context: AuditContext): Promise<RecordedFinding[]>;
  /** By organisation and hash, beginning after `after`. */
  wanted(scope: OrganizationScope, limit: number, after?: ContentRef): Promise<WantedContent[]>;
  /** The stored copies of a content, private ones first. */
  copies(content: ContentRef): Promise<ObjectRecord[]>;
  /** Whether any asset has this content, in whatever status. */
  hasAssets(content: ContentRef): Promise<boolean>;
  /** Those of its copies that are in quarantine: by their key, or because an asset on them was put there. */
  copiesInQuarantine(content: ContentRef): Promise<ObjectRecord[]>;
  /** Those of its copies that are not in quarantine: by their key, or because an asset on them was never put there. */
  copiesOutside(content: ContentRef): Promise<ObjectRecord[]>;
  /** Nothing is wanted any more once every copy is in quarantine. Says whether that is so. */
  settleQuarantine(content: ContentRef): Promise<boolean>;
  /** Deletes every asset of infected content for which that is wanted; the condition is repeated under lock. */
  deleteInfected(
    identity: Identity,
    content: ContentRef,
    leaseSeconds: number,
    context: AuditContext,
  ): Promise<{ assets: Asset[]; removable: ClaimedObject[] }>;
  /**
   * An asset is released from quarantine: the signature that its content was found with is accepted, and the content
   * counts as CLEAN until another is found. Permission is judged under lock; audited. May be repeated.
   */
  accept(identity: Identity, assetId: string, context: AuditContext): Promise<Acceptance>;
}
