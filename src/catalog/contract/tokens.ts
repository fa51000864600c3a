import type { Identity, OrganizationScope, Role } from '../../core/identity.ts';
import type { TokenScope } from '../../core/token.ts';
import type { AuditContext } from './audit.ts';

/** Who a token acts as, and for what. */
export interface TokenGrant {
  /** For people. */
  name: string | null;
  userId: string | null;
  organizationId: string;
  role: Role;
  scope: readonly TokenScope[];
}

export interface NewToken extends TokenGrant {
  /** SHA-256 of the secret, lower-case hex. */
  hash: string;
  expiresInSeconds: number;
}

export interface TokenRecord extends TokenGrant {
  id: string;
  createdBy: string | null;
  createdAt: string;
  expiresAt: string;
  /** To about a minute. */
  lastUsedAt: string | null;
  revokedAt: string | null;
  /** By the database's clock, at the time of reading. */
  state: 'active' | 'expired' | 'revoked';
}

/** Whose tokens: with `user` only those that act as this user; null is nobody. */
export interface TokenFilter {
  scope: OrganizationScope;
  user?: string | null;
  /** The beginning of the id. */
  prefix?: string;
}

export interface Tokens {
  create(identity: Identity, token: NewToken, context: AuditContext): Promise<TokenRecord>;
  /** Whatever its state. */
  byHash(hash: string): Promise<TokenRecord | undefined>;
  /** Notes that they were used just now. */
  noteUse(ids: readonly string[]): Promise<void>;
  /** Newest first. */
  list(filter: TokenFilter, limit: number): Promise<TokenRecord[]>;
  /** Ends a token for good; one that was revoked before stays as it is. */
  revoke(identity: Identity, id: string, context: AuditContext): Promise<TokenRecord | undefined>;
}
