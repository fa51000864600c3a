import type { Catalog, TokenRecord } from '../../catalog/catalog.ts';
import { AssetError, toFailure } from '../../core/errors.ts';
import type { Identity } from '../../core/identity.ts';
import { isTokenSecret, type TokenScope } from '../../core/token.ts';
import type { OperationContext } from '../context.ts';
import { hashOf } from './tokens.ts';

/** Who a request acts as. */
export interface Bearer {
  tokenId: string;
  identity: Identity;
  scope: readonly TokenScope[];
}

/** Knows bearers by their tokens. The catalog is asked after each request has come, so that a revoked token ends at once. */
export interface Authenticator {
  /**
   * `arrived`: when the request came, by performance.now().
   * @throws AssetError TOKEN_INVALID, or what the catalog answers
   */
  bearerOf(secret: string, arrived: number): Promise<Bearer>;
  /** Writes down which tokens were used. */
  flush(): Promise<void>;
}

/** A use is noted at most so often for each token. */
const NOTE_EVERY_MILLISECONDS = 60_000;
const MOST_REMEMBERED = 10_000;

interface Asked {
  at: number;
  answer: Promise<TokenRecord | undefined>;
}

export function createAuthenticator(context: OperationContext): Authenticator {
  const noted = new Map<string, number>();
  const asked = new Map<string, Asked>();
  let used = new Set<string>();

  function noteUse({ id }: TokenRecord): void {
    const before = noted.get(id);
    if (before !== undefined && performance.now() - before < NOTE_EVERY_MILLISECONDS) return;
    if (noted.size >= MOST_REMEMBERED) noted.clear();
    noted.set(id, performance.now());
    used.add(id);
  }

  /** Under load many requests wait for their turn: all that came before the question share its answer. */
  function tokenOf({ tokens }: Catalog, hash: string, arrived: number): Promise<TokenRecord | undefined> {
    const last = asked.get(hash);
    if (last !== undefined && arrived <= last.at) return last.answer;
    if (asked.size >= MOST_REMEMBERED) asked.clear();
    const question = { at: performance.now(), answer: tokens.byHash(hash) };
    asked.set(hash, question);
    return question.answer;
  }

  return {
    async bearerOf(secret, arrived) {
      if (!isTokenSecret(secret)) throw invalid('is not one of ours');
      const catalog = await context.catalog();
      const token = await tokenOf(catalog, hashOf(secret), arrived);
      if (token === undefined) throw invalid('is not known');
      if (token.state !== 'active') throw invalid(token.state === 'revoked' ? 'was revoked' : 'has expired');
      noteUse(token);
      const identity = { user: token.userId, organization: token.organizationId, role: token.role };
      return { tokenId: token.id, identity, scope: token.scope };
    },
    async flush() {
      if (used.size === 0) return;
      const ids = [...used];
      used = new Set();
      try {
        await (await context.catalog()).tokens.noteUse(ids);
      } catch (error) {
        context.warn(`the last use of ${ids.length} tokens is not written down: ${toFailure(error).message}`);
      }
    },
  };
}

function invalid(reason: string): AssetError {
  return new AssetError('TOKEN_INVALID', `The token ${reason}`, {
    hint: 'Make another with: asset-cli token create',
  });
}
