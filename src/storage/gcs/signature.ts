import { createHash } from 'node:crypto';
import { canonicalQuery, encodePath } from '../http/encoding.ts';

// Google Cloud Storage's V4 signing process with RSA keys, URLs in path style.
const ALGORITHM = 'GOOG4-RSA-SHA256';

export interface UrlToSign {
  method: string;
  /** `https://storage.googleapis.com` */
  origin: string;
  bucket: string;
  object: string;
  query: Readonly<Record<string, string>>;
  /** What whoever uses the URL has to send. */
  headers: Readonly<Record<string, string>>;
  now: Date;
  /** Seconds. */
  expiresIn: number;
}

export interface UrlSigner {
  /** The service account. */
  email: string;
  /** RSA-SHA256 of the text, in hex. */
  sign(text: string): Promise<string>;
}

export async function signV4Url(url: UrlToSign, signer: UrlSigner): Promise<string> {
  const time = `${url.now.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
  const scope = `${time.slice(0, 8)}/auto/storage/goog4_request`;
  const headers = lowerCaseHeaders({ ...url.headers, host: new URL(url.origin).hostname });
  const names = Object.keys(headers).sort();
  const path = `/${encodePath(url.bucket)}/${encodePath(url.object)}`;
  const query = canonicalQuery({
    ...url.query,
    'X-Goog-Algorithm': ALGORITHM,
    'X-Goog-Credential': `${signer.email}/${scope}`,
    'X-Goog-Date': time,
    'X-Goog-Expires': String(url.expiresIn),
    'X-Goog-SignedHeaders': names.join(';'),
  });
  const canonical = [
    url.method,
    path,
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    headers['x-goog-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
  ].join('\n');
  const text = [ALGORITHM, time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  return `${url.origin}${path}?${query}&X-Goog-Signature=${await signer.sign(text)}`;
}

function lowerCaseHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value.trim().replace(/\s+/g, ' ')]),
  );
}
