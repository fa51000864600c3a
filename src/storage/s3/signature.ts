import { createHash, createHmac } from 'node:crypto';
import { canonicalQuery } from '../http/encoding.ts';

// AWS Signature Version 4, after "Create a signed AWS API request" and "Authenticating Requests:
// Using Query Parameters" of the S3 API reference.
const ALGORITHM = 'AWS4-HMAC-SHA256';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
  expiration?: Date | undefined;
}

export interface Scope {
  region: string;
  service: string;
}

export interface RequestToSign {
  method: string;
  host: string;
  /** Encoded. */
  path: string;
  query: Readonly<Record<string, string>>;
  /** Names in lower case; all are signed. */
  headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hex, or UNSIGNED-PAYLOAD. */
  payloadHash: string;
}

export interface Signer {
  /** The headers to send. */
  signHeaders(request: RequestToSign, credentials: Credentials, now: Date): Record<string, string>;
  /** The query of an URL that anyone may use for `expiresIn` seconds. */
  signQuery(request: RequestToSign, credentials: Credentials, now: Date, expiresIn: number): string;
}

export function createSigner(scope: Scope): Signer {
  let derived: { id: string; key: Buffer } | undefined;

  /** The signing key changes with the day and the secret only. */
  function signingKey(credentials: Credentials, day: string): Buffer {
    const id = `${day}/${credentials.accessKeyId}/${credentials.secretAccessKey}`;
    if (derived?.id === id) return derived.key;
    const parts = [day, scope.region, scope.service, 'aws4_request'];
    const key = parts.reduce<Buffer>(hmac, Buffer.from(`AWS4${credentials.secretAccessKey}`));
    derived = { id, key };
    return key;
  }

  function signature(request: RequestToSign, query: string, names: string[], c: Credentials, time: string): string {
    const canonical = [
      request.method,
      request.path,
      query,
      ...names.map((name) => `${name}:${headerValue(request, name)}`),
      '',
      names.join(';'),
      request.payloadHash,
    ].join('\n');
    const text = [ALGORITHM, time, scopeOf(time), sha256(canonical)].join('\n');
    return createHmac('sha256', signingKey(c, time.slice(0, 8)))
      .update(text)
      .digest('hex');
  }

  function scopeOf(time: string): string {
    return `${time.slice(0, 8)}/${scope.region}/${scope.service}/aws4_request`;
  }

  function signHeaders(request: RequestToSign, credentials: Credentials, now: Date): Record<string, string> {
    const time = basicIsoTime(now);
    const headers: Record<string, string> = {
      ...request.headers,
      'x-amz-content-sha256': request.payloadHash,
      'x-amz-date': time,
    };
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
    const names = ['host', ...Object.keys(headers)].sort();
    const signed = signature({ ...request, headers }, canonicalQuery(request.query), names, credentials, time);
    const credential = `${credentials.accessKeyId}/${scopeOf(time)}`;
    headers['authorization'] =
      `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signed}`;
    return headers;
  }

  function signQuery(request: RequestToSign, credentials: Credentials, now: Date, expiresIn: number): string {
    const time = basicIsoTime(now);
    const query: Record<string, string> = {
      ...request.query,
      'X-Amz-Algorithm': ALGORITHM,
      'X-Amz-Credential': `${credentials.accessKeyId}/${scopeOf(time)}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(expiresIn),
      'X-Amz-SignedHeaders': 'host',
    };
    if (credentials.sessionToken !== undefined) query['X-Amz-Security-Token'] = credentials.sessionToken;
    const canonical = canonicalQuery(query);
    return `${canonical}&X-Amz-Signature=${signature(request, canonical, ['host'], credentials, time)}`;
  }

  return { signHeaders, signQuery };
}

function headerValue(request: RequestToSign, name: string): string {
  return name === 'host' ? request.host : (request.headers[name] ?? '').trim().replace(/ {2,}/g, ' ');
}

/** `20130524T000000Z` */
export function basicIsoTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
