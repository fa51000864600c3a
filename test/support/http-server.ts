import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { Identity } from '../../src/core/identity.ts';
import { type SigningKey, toSigningKey } from '../../src/core/signed-path.ts';
import { createAccessLog } from '../../src/http/access-log.ts';
import { createServer, type ServeLimits, type Server } from '../../src/http/server.ts';
import { createToken, type TokenRequest } from '../../src/operations/tokens/tokens.ts';
import { openBackend } from '../../src/storage/open.ts';
import { type ContextChanges, createWorkspace, type Workspace, type WorkspaceOptions } from './workspace.ts';

/** A server of one test's own, on a real socket. */
export interface TestServer {
  readonly workspace: Workspace;
  readonly server: Server;
  readonly url: string;
  readonly port: number;
  /** Its access log, a value a line. */
  readonly log: Record<string, unknown>[];
  /** A new token: by default of ada, a member of acme. */
  token(holder?: Partial<Identity>, changes?: Partial<TokenRequest>): Promise<string>;
  /** With a token of ada's unless `token` says otherwise; null: without. */
  request(path: string, options?: RequestOptions): Promise<Response>;
  upload(content: string | Uint8Array, options?: UploadOptions): Promise<Response>;
  /** Signs an asset and gives the path below the server's address. */
  sign(id: string, wish?: object): Promise<string>;
  /** The id of a new text asset. */
  stored(content: string, options?: UploadOptions): Promise<string>;
}

export interface RequestOptions extends RequestInit {
  token?: string | null;
}

export interface UploadOptions {
  name?: string;
  fields?: Record<string, string>;
  /** The fields come behind the file. */
  fileFirst?: boolean;
  token?: string | null;
}

export interface ServerSetup extends ContextChanges {
  workspace?: WorkspaceOptions;
  limits?: Partial<ServeLimits>;
  proxies?: number;
  /** Makes the catalog of the server's requests fail on purpose. */
  wrapCatalog?: (catalog: Catalog) => Catalog;
  /** In force at each moment; without it one key of the test's own. */
  signingKeys?: () => readonly SigningKey[];
}

/** What signed URLs begin with: nobody knows the port before the server listens. */
export const PUBLIC_URL = 'https://assets.example.com/base';

export async function startServer(setup: ServerSetup = {}): Promise<TestServer> {
  const ownKey = toSigningKey(randomUUID());
  const { signingKeys = () => [ownKey] } = setup;
  const signing = { publicUrl: () => PUBLIC_URL, keys: signingKeys };
  const workspace: Workspace = await createWorkspace({
    openStore: (name) =>
      openBackend({ name, provider: 'LOCAL', path: workspace.storage, signing }, { connect: 1000, deadline: 2000 }),
    ...setup.workspace,
  });
  const log: Record<string, unknown>[] = [];
  const context = workspace.context({ ...setup, serving: { signingKeys, ...setup.serving } });
  const { wrapCatalog = (catalog: Catalog) => catalog } = setup;
  const server = await createServer({
    context: { ...context, catalog: async () => wrapCatalog(await context.catalog()) },
    version: '0.0.0',
    proxies: setup.proxies ?? 0,
    log: createAccessLog((line) => log.push(JSON.parse(line)), false),
    ...(setup.limits === undefined ? {} : { limits: setup.limits }),
  });
  let closed: Promise<void> | undefined;
  const closing: Server = {
    ...server,
    close() {
      closed ??= server.close();
      return closed;
    },
  };
  onTestFinished(() => closing.close());
  const url = await server.listen('127.0.0.1', 0);

  async function token(holder: Partial<Identity> = {}, changes: Partial<TokenRequest> = {}): Promise<string> {
    const { user = 'ada', organization = 'acme', role = 'member' } = holder;
    const request = { user, organization, role, scope: ['read', 'write'] as const, expiresInSeconds: 600, name: null };
    const { secret } = await createToken(workspace.context(), { ...request, ...changes });
    return secret;
  }
  let adas: Promise<string> | undefined;
  const defaultToken = (): Promise<string> => {
    adas ??= token();
    return adas;
  };

  async function request(path: string, { token: own, ...options }: RequestOptions = {}): Promise<Response> {
    const headers = new Headers(options.headers);
    const secret = own === undefined ? await defaultToken() : own;
    if (secret !== null) headers.set('authorization', `Bearer ${secret}`);
    return fetch(`${url}${path}`, { redirect: 'error', ...options, headers });
  }

  async function upload(content: string | Uint8Array, options: UploadOptions = {}): Promise<Response> {
    const { name = 'report.txt', fields = {}, fileFirst = false } = options;
    const form = new FormData();
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const addFile = () => form.set('file', new Blob([Uint8Array.from(bytes)]), name);
    if (fileFirst) addFile();
    for (const [field, value] of Object.entries(fields)) form.set(field, value);
    if (!fileFirst) addFile();
    const own = options.token === undefined ? {} : { token: options.token };
    return request('/upload', { method: 'POST', body: form, ...own });
  }

  async function stored(content: string, options: UploadOptions = {}): Promise<string> {
    const response = await upload(content, options);
    const body = await jsonOf(response);
    if (response.status !== 201) throw new Error(`not stored: ${JSON.stringify(body)}`);
    return body.data.id;
  }

  async function sign(id: string, wish: object = {}): Promise<string> {
    const headers = { 'content-type': 'application/json' };
    const response = await request(`/assets/${id}/sign`, { method: 'POST', body: JSON.stringify(wish), headers });
    const { data } = await jsonOf(response);
    if (!data.url.startsWith(PUBLIC_URL)) throw new Error('it begins with another URL');
    return data.url.slice(PUBLIC_URL.length);
  }

  return {
    workspace,
    server: closing,
    url,
    port: Number(new URL(url).port),
    log,
    token,
    request,
    upload,
    sign,
    stored,
  };
}

/** The body of an answer, which is whatever JSON it is. */
export async function jsonOf(response: Response) {
  return JSON.parse(await response.text());
}

/** Sends bytes as they are and gives everything that comes back until the server closes, or `until` matches. */
export async function exchange(port: number, text: string | Buffer, until = /$^/): Promise<string> {
  const socket = await openSocket(port);
  socket.write(text);
  return received(socket, until);
}

export function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
    onTestFinished(() => {
      socket.destroy();
    });
  });
}

export function received(socket: Socket, until = /$^/): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const end = () => resolve(text);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (until.test(text)) end();
    });
    socket.on('close', end);
    // A reset is an end like any other here.
    socket.on('error', end);
  });
}
