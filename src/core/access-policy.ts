import type { Identity } from './identity.ts';

/** What of an asset decides who may do what with it. */
export interface AccessSubject {
  organizationId: string;
  userId: string | null;
  isPublic: boolean;
}

export type AssetAction =
  | 'read' // show, download, sign
  | 'delete' // delete, extend, own trash
  | 'restore'
  | 'publish'
  | 'release'; // restore from quarantine

export type MaintenanceAction =
  | 'migrate'
  | 'verify'
  | 'scan'
  | 'purge'
  | 'touch-leftovers' // orphans, abandoned uploads: bytes that belong to no organisation
  | 'administer-database'
  | 'adopt-store'
  | 'all-organizations';

/**
 * allow; deny: this identity may know that it exists, but may not (exit 5);
 * hide: for this identity it does not exist (exit 4).
 */
export type Decision = 'allow' | 'deny' | 'hide';

/**
 * The access policy for one asset, whole. Another organisation's private asset does not exist
 * for anyone but an operator; what is public may be read by everyone.
 */
export function decideOnAsset(identity: Identity, action: AssetAction, subject: AccessSubject): Decision {
  if (identity.role === 'operator') return 'allow';
  if (identity.organization !== subject.organizationId) return decideAsOutsider(action, subject);
  if (action === 'read' || identity.role === 'admin') return 'allow';
  if (action === 'release') return 'deny';
  const own = subject.userId !== null && subject.userId === identity.user;
  return own ? 'allow' : 'deny';
}

function decideAsOutsider(action: AssetAction, subject: AccessSubject): Decision {
  if (!subject.isPublic) return 'hide';
  return action === 'read' ? 'allow' : 'deny';
}

/** The access policy for commands that maintain the whole store or catalog. */
export function decideOnMaintenance(identity: Identity, action: MaintenanceAction): 'allow' | 'deny' {
  if (identity.role === 'operator') return 'allow';
  if (identity.role === 'member') return 'deny';
  const forAdmins: readonly MaintenanceAction[] = ['migrate', 'verify', 'scan', 'purge'];
  return forAdmins.includes(action) ? 'allow' : 'deny';
}

/**
 * The access policy for tokens, by the identity that a token acts as: it never has more rights than its creator. Whoever
 * may revoke one may not have been able to create it: an admin ends every token of its organisation.
 */
export function decideOnToken(identity: Identity, action: 'create' | 'revoke', holder: Identity): 'allow' | 'deny' {
  if (identity.role === 'operator') return 'allow';
  if (identity.organization !== holder.organization) return 'deny';
  if (identity.role === 'admin') return action === 'revoke' || holder.role !== 'operator' ? 'allow' : 'deny';
  const own = identity.user === holder.user;
  return own && (action === 'revoke' || holder.role === 'member') ? 'allow' : 'deny';
}
