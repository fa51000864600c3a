import { AssetError } from './errors.ts';

/** What a token may be used for; the rights of its identity bound it further. */
export const TOKEN_SCOPES = ['read', 'write'] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** Begins every secret, so that scanners for leaked secrets know it. */
export const TOKEN_PREFIX = 'astk_';
/** 256 random bits in base64url. */
const SECRET = new RegExp(`^${TOKEN_PREFIX}[A-Za-z0-9_-]{43}$`);

export function isTokenSecret(text: string): boolean {
  return SECRET.test(text);
}

/**
 * `read`, `write` or both, joined by commas.
 * @throws AssetError USAGE
 */
export function parseTokenScope(text: string): TokenScope[] {
  const words = text.split(',').map((word) => word.trim());
  const scope = TOKEN_SCOPES.filter((each) => words.includes(each));
  const isKnown = words.every((word) => TOKEN_SCOPES.some((each) => each === word));
  if (isKnown && scope.length > 0) return scope;
  throw new AssetError('USAGE', `"${text}" is not a scope`, { hint: 'Write read, write or read,write.' });
}
