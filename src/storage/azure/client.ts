import type { AzureDefinition, StorageTimeouts } from '../definition.ts';
import { canonicalQuery, encodePath } from '../http/encoding.ts';
import { createHttpClient, type HttpAnswer, type HttpRequest } from '../http/http-client.ts';
import { type AzureAccount, resolveAccount } from './account.ts';
import { errorFromAnswer, translateAzureError } from './errors.ts';
import { signWithSharedKey } from './shared-key.ts';

const VERSION = '2023-11-03';
const SCOPE = 'https://storage.azure.com/.default';

export interface AzureRequest {
  method: HttpRequest['method'];
  /** The blob's full name; without one the request is about the container. */
  name?: string;
  /** About the account instead. */
  isService?: boolean;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array;
  key?: string | undefined;
  /** The answer comes with all of its body. */
  inMemory?: boolean | undefined;
  /** The body is read into this memory, if it fits. */
  into?: Buffer | undefined;
  pieces?: HttpRequest['pieces'];
  signal?: AbortSignal | undefined;
}

/** Calls one container; requests are signed here, and the SDK finds the credentials where no key is configured. */
export interface AzureCaller {
  readonly account: AzureAccount;
  readonly container: string;
  /** The answer of a status below 300; anything else rejects with a StorageError. */
  call(request: AzureRequest): Promise<HttpAnswer>;
  /** Path with query and headers of a request inside of a batch. */
  prepare(request: AzureRequest): Promise<{ path: string; headers: Record<string, string> }>;
  urlOf(name: string): string;
  close(): Promise<void>;
}

interface TokenSource {
  token(): Promise<string>;
}

export function createAzureCaller(definition: AzureDefinition, timeouts: StorageTimeouts): AzureCaller {
  const account = resolveAccount(definition);
  const http = createHttpClient(timeouts);
  let tokens: Promise<TokenSource> | undefined;

  async function call(request: AzureRequest): Promise<HttpAnswer> {
    const context = { backend: definition.name, key: request.key, signal: request.signal };
    try {
      const prepared = await prepare({ ...request, headers: { ...request.headers, 'x-ms-version': VERSION } });
      const answer = await http.send({
        origin: account.origin,
        path: prepared.path,
        method: request.method,
        headers: prepared.headers,
        inMemory: request.inMemory,
        into: request.into,
        pieces: request.pieces,
        signal: request.signal,
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      if (answer.status < 300) return answer;
      throw await errorFromAnswer(answer, context);
    } catch (error) {
      throw translateAzureError(error, context);
    }
  }

  async function prepare(request: AzureRequest): Promise<{ path: string; headers: Record<string, string> }> {
    const { access } = account;
    const path = pathOf(request);
    const query = { ...request.query, ...(access.kind === 'sas' ? access.query : {}) };
    const headers: Record<string, string> = {
      ...request.headers,
      'content-length': String(request.body?.byteLength ?? 0),
      'x-ms-date': new Date().toUTCString(),
    };
    if (request.body === undefined && !['PUT', 'POST'].includes(request.method)) delete headers['content-length'];
    if (access.kind === 'key') {
      const toSign = { method: request.method, path, query, headers };
      headers['authorization'] = signWithSharedKey(toSign, account.name, access.key);
    }
    if (access.kind === 'token') headers['authorization'] = `Bearer ${await currentToken()}`;
    const search = canonicalQuery(query);
    return { path: search === '' ? path : `${path}?${search}`, headers };
  }

  function pathOf({ name, isService }: AzureRequest): string {
    if (isService === true) return `${account.path}/`;
    const container = `${account.path}/${encodePath(definition.container)}`;
    return name === undefined ? container : `${container}/${encodePath(name)}`;
  }

  async function currentToken(): Promise<string> {
    tokens ??= loadTokenSource();
    return (await tokens).token();
  }

  return {
    account,
    container: definition.container,
    call,
    prepare,
    urlOf: (name) => `${account.origin}${pathOf({ method: 'GET', name })}`,
    close: async () => http.close(),
  };
}

async function loadTokenSource(): Promise<TokenSource> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  const credential = new DefaultAzureCredential();
  let current: { token: string; renewAt: number } | undefined;
  return {
    async token() {
      if (current !== undefined && Date.now() < current.renewAt) return current.token;
      const { token, expiresOnTimestamp } = await credential.getToken(SCOPE);
      current = { token, renewAt: expiresOnTimestamp - 120_000 };
      return token;
    },
  };
}
