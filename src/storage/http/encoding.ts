import { encodePath, encodeRfc3986 } from '../../core/percent-encoding.ts';

export { encodePath, encodeRfc3986 };

/** Names and values encoded, sorted by name, as both signature schemes want it. */
export function canonicalQuery(parameters: Readonly<Record<string, string>>): string {
  const entries = Object.entries(parameters);
  if (entries.length === 0) return '';
  return entries
    .map(([name, value]) => [encodeRfc3986(name), encodeRfc3986(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

export function hexToBase64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

export function base64ToHex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}

/** An ETag as it is recorded. */
export function unquote(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}
