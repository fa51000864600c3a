import { createHash, randomBytes } from 'node:crypto';
import type { TokenRecord } from '../../catalog/catalog.ts';
import { decideOnToken } from '../../core/access-policy.ts';
import { AssetError } from '../../core/errors.ts';
import { checkId, type Identity, type Role } from '../../core/identity.ts';
import { TOKEN_PREFIX, type TokenScope } from '../../core/token.ts';
import { organizationScope } from '../assets/organization-scope.ts';
import type { OperationContext } from '../context.ts';

export interface TokenRequest {
  /** Without it: the creator; null: nobody. */
  user?: string | null;
  /** Without it: the creator's. */
  organization?: string;
  role: Role;
  scope: readonly TokenScope[];
  expiresInSeconds: number;
  name: string | null;
}

export interface CreatedToken {
  token: TokenRecord;
  /** Nobody can find it out later. */
  secret: string;
}

const SECRET_BYTES = 32;
const LONGEST_LIFE_SECONDS = 10 * 366 * 86_400;
const LONGEST_NAME = 200;
const MOST_TOKENS = 100_000;

/**
 * Makes a bearer token for `serve`, with no more rights than its creator has.
 * @throws AssetError NOT_PERMITTED, USAGE
 */
export async function createToken(context: OperationContext, request: TokenRequest): Promise<CreatedToken> {
  const holder = holderOf(context.identity, request);
  refuseMoreRights(context.identity, holder);
  checkRequest(request);
  const secret = `${TOKEN_PREFIX}${randomBytes(SECRET_BYTES).toString('base64url')}`;
  const catalog = await context.catalog();
  const { name, scope, expiresInSeconds } = request;
  const { user, organization, role } = holder;
  const grant = { name, userId: user, organizationId: organization, role, scope };
  const fresh = { ...grant, hash: hashOf(secret), expiresInSeconds };
  const token = await catalog.tokens.create(context.identity, fresh, context.audit);
  return { token, secret };
}

/** Secrets are 256 random bits: a plain hash cannot be turned back, and finds its row at once. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function holderOf(creator: Identity, { user, organization, role }: TokenRequest): Identity {
  return {
    user: user === undefined ? creator.user : user === null ? null : checkId('user', user),
    organization: organization === undefined ? creator.organization : checkId('organization', organization),
    role,
  };
}

function refuseMoreRights(creator: Identity, holder: Identity): void {
  if (decideOnToken(creator, 'create', holder) === 'allow') return;
  throw new AssetError('NOT_PERMITTED', 'A token has no more rights than its creator', {
    hint: 'A member makes tokens for itself, an admin for its organisation, an operator for anyone.',
    details: { user: holder.user, organization: holder.organization, role: holder.role },
  });
}

function checkRequest({ expiresInSeconds, name }: TokenRequest): void {
  if (expiresInSeconds < 1 || expiresInSeconds > LONGEST_LIFE_SECONDS) {
    throw new AssetError('USAGE', 'A token lives between 1 second and 10 years', { hint: 'Give a shorter life.' });
  }
  const named = name === null || (name !== '' && name.length <= LONGEST_NAME && !/\p{Cc}/u.test(name));
  if (named && name?.isWellFormed() !== false) return;
  throw new AssetError('USAGE', 'This name cannot be kept', { hint: `Write up to ${LONGEST_NAME} characters a line.` });
}

/**
 * The tokens that an identity may see, newest first: a member's own, an admin's organisation, an operator's any.
 * @throws AssetError NOT_PERMITTED
 */
export async function listTokens(
  context: OperationContext,
  request: { allOrganizations: boolean },
): Promise<TokenRecord[]> {
  const catalog = await context.catalog();
  const scope = organizationScope(context.identity, request.allOrganizations);
  return catalog.tokens.list({ scope, ...ownOnly(context.identity) }, MOST_TOKENS);
}

function ownOnly({ role, user }: Identity): { user?: string | null } {
  return role === 'member' ? { user } : {};
}

export type RevokeOutcome = { kind: 'revoked'; token: TokenRecord } | { kind: 'failed'; id: string; error: unknown };

/** Ends tokens by id or prefix: no host accepts them from the next request on. One bad name never stops the others. */
export async function* revokeTokens(context: OperationContext, ids: readonly string[]): AsyncGenerator<RevokeOutcome> {
  for (const id of ids) {
    if (context.signal.aborted) return;
    yield await revokeOne(context, id);
  }
}

async function revokeOne(context: OperationContext, id: string): Promise<RevokeOutcome> {
  try {
    const found = await resolveToken(context, id);
    const catalog = await context.catalog();
    const token = await catalog.tokens.revoke(context.identity, found.id, context.audit);
    if (token === undefined) throw unknownToken(id);
    return { kind: 'revoked', token };
  } catch (error) {
    return { kind: 'failed', id, error };
  }
}

const ID_PREFIX = /^[0-9a-f]{8}[0-9a-f-]{0,28}$/i;

async function resolveToken(context: OperationContext, prefix: string): Promise<TokenRecord> {
  if (!ID_PREFIX.test(prefix)) {
    throw new AssetError('USAGE', 'This is not the id of a token', {
      hint: 'Give a whole id, or its first 8 or more characters: asset-cli token list',
    });
  }
  const catalog = await context.catalog();
  const { identity } = context;
  const scope = organizationScope(identity, identity.role === 'operator');
  const found = await catalog.tokens.list({ scope, ...ownOnly(identity), prefix }, 2);
  const [first, second] = found.filter((token) => decideOnToken(identity, 'revoke', holderOfRecord(token)) === 'allow');
  if (first === undefined) throw unknownToken(prefix);
  if (second === undefined) return first;
  throw new AssetError('AMBIGUOUS_ID', `"${prefix}" begins the id of more than one token`, {
    hint: `Give more of it: ${first.id}, ${second.id}`,
  });
}

function holderOfRecord({ userId, organizationId, role }: TokenRecord): Identity {
  return { user: userId, organization: organizationId, role };
}

function unknownToken(id: string): AssetError {
  return new AssetError('TOKEN_NOT_FOUND', `There is no token ${id} that you may see`, {
    hint: 'See what there is: asset-cli token list',
    details: { id },
  });
}
