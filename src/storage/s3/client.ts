import type { S3Client } from '@aws-sdk/client-s3';
import type { S3Definition, StorageTimeouts } from '../definition.ts';
import { canonicalQuery, encodePath } from '../http/encoding.ts';
import { createHttpClient, type HttpAnswer, type HttpClient, type HttpRequest } from '../http/http-client.ts';
import { isStorageError } from '../storage-error.ts';
import { errorFromAnswer, translateS3Error } from './errors.ts';
import { type Credentials, createSigner, type Signer } from './signature.ts';

export const EMPTY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export interface S3Request {
  method: HttpRequest['method'];
  /** The object's full name; without one the request is about the bucket. */
  name?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** SHA-256 of the body in hex: it is signed, and the server compares it with what arrives. */
  payloadHash?: string;
  /** The answer comes with all of its body. */
  inMemory?: boolean | undefined;
  /** The body is read into this memory, if it fits. */
  into?: Buffer | undefined;
  pieces?: HttpRequest['pieces'];
  signal?: AbortSignal | undefined;
}

/**
 * Calls one bucket with requests signed here, because the SDK's own cost several times as much;
 * the SDK says who we are, in which region, and where the bucket is.
 */
export interface S3Caller {
  /** The answer of a status below 300; anything else rejects with a StorageError. */
  call(request: S3Request): Promise<HttpAnswer>;
  presign(name: string, query: Record<string, string>, expiresIn: number): Promise<{ url: string; expiresAt: Date }>;
  /** `host/bucket`, to tell whether two backends can copy from each other. */
  location(): Promise<Location>;
  readonly bucket: string;
  close(): Promise<void>;
}

export interface Location {
  origin: string;
  host: string;
  /** Of the bucket: `/bucket`, or empty where the host names it. */
  path: string;
  region: string;
}

interface Resolved {
  http: HttpClient;
  sdk: S3Client;
  location: Location;
  signer: Signer;
  credentials(force?: boolean): Promise<Credentials>;
}

export function createS3Caller(definition: S3Definition, timeouts: StorageTimeouts): S3Caller {
  let resolving: Promise<Resolved> | undefined;

  function resolved(): Promise<Resolved> {
    resolving ??= resolve(definition, timeouts).catch((error: unknown) => {
      resolving = undefined;
      throw error;
    });
    return resolving;
  }

  async function call(request: S3Request): Promise<HttpAnswer> {
    const context = { backend: definition.name, key: request.name, signal: request.signal };
    try {
      const target = await resolved();
      try {
        return await send(target, request, await target.credentials());
      } catch (error) {
        // Credentials may have been renewed since they were cached; worth one more try.
        if (!isStorageError(error, 'EXPIRED')) throw error;
        return await send(target, request, await target.credentials(true));
      }
    } catch (error) {
      throw translateS3Error(error, context);
    }
  }

  async function send(target: Resolved, request: S3Request, credentials: Credentials): Promise<HttpAnswer> {
    const { location } = target;
    const query = request.query ?? {};
    const path = pathOf(location, request.name);
    const headers = target.signer.signHeaders(
      {
        method: request.method,
        host: location.host,
        path,
        query,
        headers: request.headers ?? {},
        payloadHash: request.payloadHash ?? EMPTY_HASH,
      },
      credentials,
      new Date(),
    );
    if (request.body !== undefined) headers['content-length'] = String(request.body.byteLength);
    const search = canonicalQuery(query);
    const answer = await target.http.send({
      origin: location.origin,
      path: search === '' ? path : `${path}?${search}`,
      method: request.method,
      headers,
      inMemory: request.inMemory,
      into: request.into,
      pieces: request.pieces,
      signal: request.signal,
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    if (answer.status < 300) return answer;
    throw await errorFromAnswer(answer, { backend: definition.name, key: request.name });
  }

  async function presign(name: string, query: Record<string, string>, expiresIn: number) {
    try {
      const { location, signer, credentials } = await resolved();
      const current = await credentials();
      const now = new Date();
      const path = pathOf(location, name);
      const request = { method: 'GET', host: location.host, path, query, headers: {}, payloadHash: 'UNSIGNED-PAYLOAD' };
      const signed = signer.signQuery(request, current, now, expiresIn);
      const wanted = new Date(Math.floor(now.getTime() / 1000) * 1000 + expiresIn * 1000);
      const isCut = current.expiration !== undefined && current.expiration < wanted;
      return { url: `${location.origin}${path}?${signed}`, expiresAt: (isCut && current.expiration) || wanted };
    } catch (error) {
      throw translateS3Error(error, { backend: definition.name, key: name });
    }
  }

  async function close(): Promise<void> {
    const target = await resolving?.catch(() => undefined);
    target?.http.close();
    target?.sdk.destroy();
  }

  return { call, presign, location: async () => (await resolved()).location, bucket: definition.bucket, close };
}

function pathOf(location: Location, name: string | undefined): string {
  return name === undefined ? location.path || '/' : `${location.path}/${encodePath(name)}`;
}

async function resolve(definition: S3Definition, timeouts: StorageTimeouts): Promise<Resolved> {
  const { S3Client, HeadBucketCommand } = await import('@aws-sdk/client-s3');
  const seen: SeenRequest[] = [];
  const sdk = withoutVersionWarning(
    () =>
      new S3Client({
        maxAttempts: 1,
        logger: SILENT,
        requestHandler: observer(seen),
        ...(definition.region === undefined ? {} : { region: definition.region }),
        ...(definition.endpoint === undefined ? {} : { endpoint: definition.endpoint }),
        ...(definition.forcePathStyle === undefined ? {} : { forcePathStyle: definition.forcePathStyle }),
        ...(definition.profile === undefined ? {} : { profile: definition.profile }),
      }),
  );
  const command = new HeadBucketCommand({ Bucket: definition.bucket });
  const failure = await sdk.send(command).then(
    () => undefined,
    (error: unknown) => error,
  );
  const [request] = seen;
  if (request === undefined) throw failure;
  const location = locationOf(request, await sdk.config.region());
  return {
    http: createHttpClient(timeouts),
    sdk,
    location,
    signer: createSigner({ region: location.region, service: 's3' }),
    credentials: (force = false) => sdk.config.credentials(force ? { forceRefresh: true } : {}),
  };
}

/** Without a logger the SDK warns on stderr, as of a profile beside keys in the environment: the profile is what counts. */
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // Everything that matters is thrown.
}

interface SeenRequest {
  protocol: string;
  hostname: string;
  port?: number | undefined;
  path: string;
  headers: Record<string, string>;
}

/** Takes the place of the SDK's HTTP client: nothing is sent, but what would have been is seen. */
function observer(seen: SeenRequest[]) {
  return {
    handle(request: SeenRequest): Promise<never> {
      seen.push(request);
      return Promise.reject(new Error('this request is only looked at'));
    },
  };
}

function locationOf(request: SeenRequest, region: string): Location {
  const port = request.port === undefined ? '' : `:${request.port}`;
  const host = `${request.hostname}${port}`;
  // The region that is signed for may be another than the configured one (an access point, a global endpoint).
  const [, signed] = /Credential=[^/]+\/\d{8}\/([^/]+)\//.exec(request.headers['authorization'] ?? '') ?? [];
  return {
    origin: `${request.protocol}//${host}`,
    host,
    path: request.path.replace(/\/$/, ''),
    region: signed ?? region,
  };
}

/** On Node 20 the SDK warns of its own plans on stderr, once, when its first client is made. */
function withoutVersionWarning<T>(make: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return make();
  } finally {
    process.emitWarning = emitWarning;
  }
}
