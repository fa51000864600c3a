import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
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

/** What stays the same for a day, or as long as the secret does. */
interface Derived {
  day: string;
  accessKeyId: string;
  secretAccessKey: string;
  key: KeyObject;
  scope: string;
}

/** Header names as they are given; in order, with the host's; and as they are written into a signature. */
interface SignedNames {
  given: readonly string[];
  sorted: readonly string[];
  text: string;
}

export function createSigner({ region, service }: Scope): Signer {
  let derived: Derived | undefined;
  let signedNames = signedNamesOf([]);
  const timeOf = timeWriter();

  function derive({ accessKeyId, secretAccessKey }: Credentials, day: string): Derived {
    if (derived?.day === day && derived.accessKeyId === accessKeyId && derived.secretAccessKey === secretAccessKey) {
      return derived;
    }
    const parts = [day, region, service, 'aws4_request'];
    const key = createSecretKey(parts.reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`)));
    derived = { day, accessKeyId, secretAccessKey, key, scope: parts.join('/') };
    return derived;
  }

  /** One request after another has the same. */
  function namesOf(headers: Readonly<Record<string, string>>): SignedNames {
    const names = Object.keys(headers);
    if (!areSame(names, signedNames.given)) signedNames = signedNamesOf(names);
    return signedNames;
  }

  function signature(request: RequestToSign, query: string, names: SignedNames, day: Derived, time: string): string {
    let canonical = `${request.method}\n${request.path}\n${query}\n`;
    for (const name of names.sorted) canonical += `${name}:${headerValue(request, name)}\n`;
    canonical += `\n${names.text}\n${request.payloadHash}`;
    const text = `${ALGORITHM}\n${time}\n${day.scope}\n${hash('sha256', canonical)}`;
    return createHmac('sha256', day.key).update(text).digest('hex');
  }

  function signHeaders(request: RequestToSign, credentials: Credentials, now: Date): Record<string, string> {
    const { method, host, path, query, payloadHash } = request;
    const time = timeOf(now);
    const headers: Record<string, string> = {
      ...request.headers,
      'x-amz-content-sha256': payloadHash,
      'x-amz-date': time,
    };
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
    const names = namesOf(headers);
    const day = derive(credentials, time.slice(0, 8));
    const toSign = { method, host, path, query, headers, payloadHash };
    const signed = signature(toSign, canonicalQuery(query), names, day, time);
    headers['authorization'] =
      `${ALGORITHM} Credential=${credentials.accessKeyId}/${day.scope}, SignedHeaders=${names.text}, Signature=${signed}`;
    return headers;
  }

  function signQuery(request: RequestToSign, credentials: Credentials, now: Date, expiresIn: number): string {
    const time = timeOf(now);
    const day = derive(credentials, time.slice(0, 8));
    const query: Record<string, string> = {
      ...request.query,
      'X-Amz-Algorithm': ALGORITHM,
      'X-Amz-Credential': `${credentials.accessKeyId}/${day.scope}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(expiresIn),
      'X-Amz-SignedHeaders': 'host',
    };
    if (credentials.sessionToken !== undefined) query['X-Amz-Security-Token'] = credentials.sessionToken;
    const canonical = canonicalQuery(query);
    return `${canonical}&X-Amz-Signature=${signature(request, canonical, namesOf({}), day, time)}`;
  }

  return { signHeaders, signQuery };
}

/** Many requests are signed in one second. */
function timeWriter(): (time: Date) => string {
  let second = Number.NaN;
  let text = '';
  return (time) => {
    const current = Math.floor(time.getTime() / 1000);
    if (current !== second) {
      second = current;
      text = basicIsoTime(time);
    }
    return text;
  };
}

function signedNamesOf(given: readonly string[]): SignedNames {
  const sorted = ['host', ...given].sort();
  return { given, sorted, text: sorted.join(';') };
}

function areSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}

function headerValue(request: RequestToSign, name: string): string {
  if (name === 'host') return request.host;
  const value = (request.headers[name] ?? '').trim();
  return value.includes('  ') ? value.replace(/ {2,}/g, ' ') : value;
}

/** `20130524T000000Z` */
export function basicIsoTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
