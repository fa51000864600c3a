import type { Identity, OrganizationScope } from '../../core/identity.ts';

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
  /** Where it was only these bytes, from 0, the last one included. */
  range?: { start: number; end: number };
  /** Whether the content was handed out whole. */
  isWhole: boolean;
}

export interface AuditLog {
  record(events: readonly NewAuditEvent[], context: AuditContext): Promise<void>;
  /** Counts whole downloads and records their events, in one transaction that gives up after `waitMilliseconds`. */
  recordDownloads(downloads: readonly Download[], waitMilliseconds: number): Promise<void>;
  /** Newest first, by keyset. */
  page(
    scope: OrganizationScope,
    filter: AuditFilter,
    limit: number,
    after?: string,
  ): Promise<{ events: AuditEvent[]; nextCursor: string | null }>;
}
