import type { S3Definition, StorageTimeouts } from '../definition.ts';
import { canonicalQuery, encodePath } from '../http/encoding.ts';
import { createHttpClient, type HttpAnswer, type HttpClient, type HttpRequest } from '../http/http-client.ts';
import { isStorageError } from '../storage-error.ts';
import type { Access, Location } from './access.ts';
import { errorFromAnswer, translateS3Error } from './errors.ts';
import { plainAccess } from './plain-access.ts';
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

interface Resolved extends Access {
  http: HttpClient;
  signer: Signer;
  /** Those that were asked for last, unless they end some time: to ask the SDK for them each time costs as much as to sign. */
  lasting(): Credentials | undefined;
}

export function createS3Caller(definition: S3Definition, timeouts: StorageTimeouts): S3Caller {
  let resolving: Promise<Resolved> | undefined;
  let known: Resolved | undefined;

  function resolved(): Promise<Resolved> {
    resolving ??= resolve(definition, timeouts).then(
      (target) => (known = target),
      (error: unknown) => {
        resolving = undefined;
        throw error;
      },
    );
    return resolving;
  }

  async function call(request: S3Request): Promise<HttpAnswer> {
    try {
      const target = known ?? (await resolved());
      return await send(target, request, target.lasting() ?? (await target.credentials()));
    } catch (error) {
      // Credentials may have been renewed since they were cached; worth one more try.
      if (isStorageError(error, 'EXPIRED')) return callAgain(request);
      throw translated(error, request);
    }
  }

  async function callAgain(request: S3Request): Promise<HttpAnswer> {
    try {
      const target = await resolved();
      return await send(target, request, await target.credentials(true));
    } catch (error) {
      throw translated(error, request);
    }
  }

  function translated(error: unknown, { name, signal }: S3Request): unknown {
    return translateS3Error(error, { backend: definition.name, key: name, signal });
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
    target?.close();
  }

  return { call, presign, location: async () => (await resolved()).location, bucket: definition.bucket, close };
}

function pathOf(location: Location, name: string | undefined): string {
  return name === undefined ? location.path || '/' : `${location.path}/${encodePath(name)}`;
}

async function resolve(definition: S3Definition, timeouts: StorageTimeouts): Promise<Resolved> {
  const access = plainAccess(definition) ?? (await askSdk(definition));
  let last: Credentials | undefined;
  return {
    ...access,
    http: createHttpClient(timeouts),
    signer: createSigner({ region: access.location.region, service: 's3' }),
    async credentials(force) {
      last = await access.credentials(force);
      return last;
    },
    lasting: () => (last?.expiration === undefined ? last : undefined),
  };
}

/** One request of the SDK's own is built, and caught before it is sent: it says all that is to be known. */
export async function askSdk(definition: S3Definition): Promise<Access> {
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
  return {
    location: locationOf(request, await sdk.config.region()),
    credentials: (force = false) => sdk.config.credentials(force ? { forceRefresh: true } : {}),
    close: () => sdk.destroy(),
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
