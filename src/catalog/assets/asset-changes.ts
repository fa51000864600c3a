import type { Asset } from '../../core/asset.ts';
import { parseTime } from '../../core/calendar.ts';
import type { CarriedChange, Expiry, ObjectRecord, RefusalReason, Visibility } from '../catalog.ts';
import { secondsAfter } from '../filters.ts';

/** An asset as it is under lock, with what users do not see. */
export interface AssetState {
  asset: Asset;
  objectId: string;
  trashEndsAt: string | null;
}

export interface ChangeColumns {
  expires_at?: string | null;
  trashed_at?: string | null;
  trash_ends_at?: string | null;
  is_public?: boolean;
  cdn_url?: string | null;
}

/** What can be done to one asset: who may, what stands against it, what is written. */
export interface Change {
  /** Past tense: the audit trail's word for it. */
  action: string;
  permission: 'delete' | 'restore' | 'publish';
  /** Why it cannot be, given that the identity may. */
  obstacle: (state: AssetState, now: string) => RefusalReason | undefined;
  /** Nothing is left to do. */
  isDone?: (state: AssetState) => boolean;
  /** The bytes have to move with it. */
  moves: (state: AssetState, object: ObjectRecord | undefined) => boolean;
  columns: (now: string) => ChangeColumns;
}

export function extension(expiry: Expiry): Change {
  return {
    action: 'extended',
    permission: 'delete',
    obstacle: () => undefined,
    moves: () => false,
    columns: (now) => ({ expires_at: expiresAt(expiry, now) }),
  };
}

function expiresAt(expiry: Expiry, now: string): string | null {
  if (expiry.kind === 'never') return null;
  return expiry.kind === 'at' ? parseTime(expiry.time) : secondsAfter(now, expiry.seconds);
}

export function trashing(retentionSeconds: number): Change {
  return {
    action: 'trashed',
    permission: 'delete',
    obstacle: ({ asset }) => (asset.trashedAt === null ? undefined : 'in-trash'),
    moves: ({ asset }, object) => asset.isPublic && object?.isPublic === true,
    columns: (now) => ({ trashed_at: now, trash_ends_at: secondsAfter(now, retentionSeconds) }),
  };
}

export const RESTORING: Change = {
  action: 'restored',
  permission: 'restore',
  obstacle: ({ asset, trashEndsAt }, now) => {
    if (asset.trashedAt === null) return 'not-in-trash';
    if (trashEndsAt !== null && trashEndsAt <= now) return 'trash-ended';
    return asset.expiresAt !== null && asset.expiresAt <= now ? 'expired' : undefined;
  },
  moves: ({ asset }, object) => asset.isPublic && object?.isPublic === false,
  columns: () => ({ trashed_at: null, trash_ends_at: null }),
};

export function showing({ isPublic, requiresVerdict, cdnUrl }: Visibility & { cdnUrl: string | null }): Change {
  return {
    action: isPublic ? 'published' : 'unpublished',
    permission: 'publish',
    obstacle: ({ asset }, now) => {
      if (asset.trashedAt !== null) return 'in-trash';
      if (asset.expiresAt !== null && asset.expiresAt <= now) return 'expired';
      if (asset.virusScanStatus === 'INFECTED' || asset.status === 'quarantined') return 'infected';
      return isPublic && requiresVerdict && asset.virusScanStatus === 'PENDING' ? 'unjudged' : undefined;
    },
    isDone: ({ asset }) => asset.isPublic === isPublic,
    moves: () => true,
    columns: () => ({ is_public: isPublic, cdn_url: cdnUrl }),
  };
}

/** The change of a single asset that a move makes beside carrying it over, judged and written by the same rules. */
export function carriedChange(change: CarriedChange): Change {
  if (change.kind === 'visibility') return showing(change);
  const judged = change.kind === 'trash' ? trashing(change.retentionSeconds) : RESTORING;
  const cdn_url = change.kind === 'trash' ? null : change.cdnUrl;
  return { ...judged, columns: (now) => ({ ...judged.columns(now), cdn_url }) };
}
