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

/** Header names in order, with the host's, and as they are written into a signature. */
interface SignedNames {
  sorted: readonly string[];
  text: string;
}

export function createSigner({ region, service }: Scope): Signer {
  let derived: Derived | undefined;
  const signedNames = new Map<string, SignedNames>();
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

  /** Few sets of names are ever sent. */
  function namesOf(headers: Readonly<Record<string, string>>): SignedNames {
    const names = Object.keys(headers);
    const id = names.join();
    const known = signedNames.get(id);
    if (known !== undefined) return known;
    const sorted = ['host', ...names].sort();
    const made = { sorted, text: sorted.join(';') };
    signedNames.set(id, made);
    return made;
  }

  function signature(request: RequestToSign, query: string, names: SignedNames, day: Derived, time: string): string {
    let canonical = `${request.method}\n${request.path}\n${query}\n`;
    for (const name of names.sorted) canonical += `${name}:${headerValue(request, name)}\n`;
    canonical += `\n${names.text}\n${request.payloadHash}`;
    const text = `${ALGORITHM}\n${time}\n${day.scope}\n${hash('sha256', canonical)}`;
    return createHmac('sha256', day.key).update(text).digest('hex');
  }

  function signHeaders(request: RequestToSign, credentials: Credentials, now: Date): Record<string, string> {
    const time = timeOf(now);
    const headers: Record<string, string> = {
      ...request.headers,
      'x-amz-content-sha256': request.payloadHash,
      'x-amz-date': time,
    };
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
    const names = namesOf(headers);
    const day = derive(credentials, time.slice(0, 8));
    const signed = signature({ ...request, headers }, canonicalQuery(request.query), names, day, time);
    const credential = `${credentials.accessKeyId}/${day.scope}`;
    headers['authorization'] =
      `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.text}, Signature=${signed}`;
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

function headerValue(request: RequestToSign, name: string): string {
  return name === 'host' ? request.host : (request.headers[name] ?? '').trim().replace(/ {2,}/g, ' ');
}

/** `20130524T000000Z` */
export function basicIsoTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
