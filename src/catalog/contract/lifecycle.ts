import type { Asset } from '../../core/asset.ts';
import type { Identity } from '../../core/identity.ts';
import type { AuditContext } from './audit.ts';
import type { AssetWithObject } from './objects.ts';
import type { AssetFilter } from './reads.ts';

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
