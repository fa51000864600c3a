import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { encodePath, encodeRfc3986 } from './percent-encoding.ts';

/** What the URLs of a store that cannot sign by itself are signed with. */
export interface SigningKey {
  /** Names the key in its URLs, and tells nothing of it. */
  id: string;
  secret: string;
}

/** What a signed URL gives away, all of it signed. */
export interface SignedPath {
  keyId: string;
  backend: string;
  storagePath: string;
  /** Seconds since 1970. */
  expires: number;
  contentType: string;
  /** A whole Content-Disposition. */
  disposition: string;
}

/** Shorter ones could be guessed. */
export const SHORTEST_SIGNING_KEY = 32;

const PURPOSE = 'asset-cli signed path 1';
const ID_LENGTH = 12;
const LENGTH_BYTES = 4;

export function toSigningKey(secret: string): SigningKey {
  const id = createHash('sha256').update(`asset-cli signing key id\n${secret}`).digest('hex').slice(0, ID_LENGTH);
  return { id, secret };
}

/** HMAC-SHA-256 over every field, each behind its length, so that no two paths are written alike. */
export function signatureOf({ secret }: SigningKey, path: SignedPath): string {
  const { keyId, backend, storagePath, expires, contentType, disposition } = path;
  const fields = [PURPOSE, keyId, backend, storagePath, String(expires), contentType, disposition];
  const written = fields.flatMap((field) => {
    const bytes = Buffer.from(field);
    const length = Buffer.allocUnsafe(LENGTH_BYTES);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return createHmac('sha256', secret).update(Buffer.concat(written)).digest('base64url');
}

/** In a time that does not depend on where a wrong signature differs. */
export function isSignedBy(key: SigningKey, path: SignedPath, signature: string): boolean {
  const expected = Buffer.from(signatureOf(key, path));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Where `serve` answers to it, below its public URL. */
export function signedUrl(publicUrl: string, key: SigningKey, path: Omit<SignedPath, 'keyId'>): string {
  const { backend, storagePath, expires, contentType, disposition } = path;
  const signature = signatureOf(key, { ...path, keyId: key.id });
  const query = Object.entries({ expires: String(expires), type: contentType, disposition, key: key.id, signature });
  const text = query.map(([name, value]) => `${name}=${encodeRfc3986(value)}`).join('&');
  return `${publicUrl}/files/${encodeRfc3986(backend)}/${encodePath(storagePath)}?${text}`;
}
