import { createSign } from 'node:crypto';
import type { GcsDefinition, StorageTimeouts } from '../definition.ts';
import { canonicalQuery } from '../http/encoding.ts';
import { createHttpClient, type HttpAnswer, type HttpRequest } from '../http/http-client.ts';
import { StorageError } from '../storage-error.ts';
import { errorFromAnswer, translateGcsError } from './errors.ts';
import type { UrlSigner } from './signature.ts';

const GOOGLE = 'https://storage.googleapis.com';

export interface GcsRequest {
  method: HttpRequest['method'];
  /** From the root of the API; already encoded. */
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: HttpRequest['body'];
  /** A status that is an answer, though it is above 299. */
  accept?: readonly number[];
  key?: string | undefined;
  /** The answer comes with all of its body. */
  inMemory?: boolean | undefined;
  /** The body is read into this memory, if it fits. */
  into?: Buffer | undefined;
  pieces?: HttpRequest['pieces'];
  signal?: AbortSignal | undefined;
}

/**
 * Calls the JSON API; the SDK says who we are. Its own calls are not used: they retry, time out
 * and hash in their own way, and cannot be told what the storage contract asks for.
 */
export interface GcsCaller {
  readonly origin: string;
  readonly bucket: string;
  /** The answer of a status below 300; anything else rejects with a StorageError. */
  call(request: GcsRequest): Promise<HttpAnswer>;
  /** @throws StorageError UNSUPPORTED if there is no service account to sign for */
  signer(): Promise<UrlSigner>;
  close(): Promise<void>;
}

/** The little of the SDK's authentication that is used, whatever kind of credentials it finds. */
interface Authentication {
  /** Empty for an emulator, which asks for none. */
  headers(): Promise<Record<string, string>>;
  signer(): Promise<UrlSigner | undefined>;
}

export function createGcsCaller(definition: GcsDefinition, timeouts: StorageTimeouts): GcsCaller {
  const origin = definition.apiEndpoint === undefined ? GOOGLE : originOf(definition.apiEndpoint);
  const http = createHttpClient(timeouts);
  let authentication: Promise<Authentication> | undefined;

  function authenticate(): Promise<Authentication> {
    authentication ??= loadAuthentication(definition).catch((error: unknown) => {
      authentication = undefined;
      throw error;
    });
    return authentication;
  }

  async function call(request: GcsRequest): Promise<HttpAnswer> {
    const context = { backend: definition.name, key: request.key, signal: request.signal };
    try {
      const { headers } = await authenticate();
      const search = canonicalQuery(request.query ?? {});
      const answer = await http.send({
        origin,
        path: search === '' ? request.path : `${request.path}${request.path.includes('?') ? '&' : '?'}${search}`,
        method: request.method,
        headers: {
          ...(await headers()),
          ...request.headers,
        },
        inMemory: request.inMemory,
        into: request.into,
        pieces: request.pieces,
        signal: request.signal,
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      if (answer.status < 300 || request.accept?.includes(answer.status) === true) return answer;
      throw await errorFromAnswer(answer, context);
    } catch (error) {
      throw translateGcsError(error, context);
    }
  }

  async function signer(): Promise<UrlSigner> {
    const context = { backend: definition.name };
    try {
      const found = await (await authenticate()).signer();
      if (found !== undefined) return { email: found.email, sign: (text) => signed(found, text) };
    } catch (error) {
      throw translateGcsError(error, context);
    }
    throw new StorageError('UNSUPPORTED', 'signing needs the credentials of a service account', context);
  }

  /** Without a key of its own the account is signed for by a service (IAM), which may refuse or be away. */
  async function signed(account: UrlSigner, text: string): Promise<string> {
    try {
      return await account.sign(text);
    } catch (error) {
      throw translateGcsError(error, { backend: definition.name });
    }
  }

  return { origin, bucket: definition.bucket, call, signer, close: async () => http.close() };
}

function originOf(endpoint: string): string {
  return new URL(endpoint.includes('://') ? endpoint : `https://${endpoint}`).origin;
}

async function loadAuthentication({ credentialsFile, apiEndpoint, projectId }: GcsDefinition): Promise<Authentication> {
  if (apiEndpoint !== undefined && credentialsFile === undefined) {
    return { headers: () => Promise.resolve({}), signer: () => Promise.resolve(undefined) };
  }
  const { Storage } = await import('@google-cloud/storage');
  const { authClient } = new Storage({
    ...(credentialsFile === undefined ? {} : { keyFilename: credentialsFile }),
    ...(projectId === undefined ? {} : { projectId }),
  });
  // The SDK's type is that of any kind of client; this one it makes itself, from its options.
  if (!('getCredentials' in authClient)) throw new Error('the SDK made another kind of client than it says');
  const client = await authClient.getClient();
  // A service account's own signed token (AIP-4111) spares the exchange for another.
  if ('useJWTAccessWithScope' in client) client.useJWTAccessWithScope = true;
  return {
    headers: async () => lowerCaseNames(await client.getRequestHeaders(GOOGLE)),
    async signer() {
      const { client_email: email, private_key: privateKey } = await authClient.getCredentials();
      if (email === undefined) return undefined;
      if (privateKey !== undefined) return { email, sign: async (text) => signLocally(text, privateKey) };
      return { email, sign: async (text) => Buffer.from(await authClient.sign(text), 'base64').toString('hex') };
    },
  };
}

function signLocally(text: string, privateKey: string): string {
  return createSign('RSA-SHA256').update(text).sign(privateKey, 'hex');
}

function lowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
