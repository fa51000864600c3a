import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { translateGcsError } from '../../src/storage/gcs/errors.ts';
import { openGcsBackend } from '../../src/storage/gcs/gcs-backend.ts';
import { StorageError } from '../../src/storage/storage-error.ts';
import { TIMEOUTS } from '../support/cloud-stores.ts';

afterEach(() => vi.unstubAllEnvs());

const ANSWERS = [
  { status: 403, kind: 'DENIED' },
  { status: 404, kind: 'CREDENTIALS' },
  { status: 500, kind: 'UNAVAILABLE' },
];

type Answers = Readonly<Record<string, { status: number; text: string }>>;

const ACCOUNT: Answers = {
  '/computeMetadata/v1/instance': { status: 200, text: '' },
  '/computeMetadata/v1/instance/service-accounts/default/email': { status: 200, text: 'assets@acme.example' },
  '/computeMetadata/v1/instance/service-accounts/?recursive=true': {
    status: 200,
    text: JSON.stringify({ default: { email: 'assets@acme.example' } }),
  },
  '/computeMetadata/v1/instance/service-accounts/default/token': {
    status: 200,
    text: JSON.stringify({ access_token: 'ya29.nobody', expires_in: 3600, token_type: 'Bearer' }),
  },
};

/** What a machine of Google's says of its account: no key, so that IAM has to sign. Only the provider has the real one. */
async function startMetadataServer(changes: Answers = {}): Promise<void> {
  const answers: Answers = { ...ACCOUNT, ...changes };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const { status, text } = answers[path] ?? answers[path.split('?')[0] ?? ''] ?? { status: 404, text: path };
    response.writeHead(status, {
      'metadata-flavor': 'Google',
      'content-type': text.startsWith('{') ? 'application/json' : 'text/plain',
    });
    response.end(text);
  });
  vi.stubEnv('GCE_METADATA_HOST', `127.0.0.1:${await listen(server)}`);
  vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '');
  // The provider's command line may have left credentials at home; where it is installed the SDK runs it for each store.
  vi.stubEnv('HOME', '/nonexistent');
  vi.stubEnv('PATH', '/nonexistent');
}

/** The port, until the test is over. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return (server.address() as AddressInfo).port;
}

async function failureOfSigning(): Promise<StorageError> {
  const store = openGcsBackend({ name: 'gcs', provider: 'GOOGLE_CLOUD_STORAGE', bucket: 'acme' }, TIMEOUTS);
  onTestFinished(() => store.close());
  const wish = { expiresIn: 60, downloadAs: 'a.txt', inline: false, contentType: 'text/plain' };
  const failure = await store.sign(parseStorageKey('acme/a'), wish).catch((error: unknown) => error);
  if (!(failure instanceof StorageError)) throw new Error('no storage error', { cause: failure });
  return failure;
}

/** A way out that lets nobody through, so that no test asks the real service; it tells who was asked for. */
async function startProxy(status: number): Promise<string[]> {
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
  });
  const port = await listen(proxy);
  vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${port}`);
  vi.stubEnv('NO_PROXY', '127.0.0.1');
  return asked;
}

it.each(ANSWERS)(
  'asks a service to sign for an account without a key; one that answers $status: $kind',
  async (answer) => {
    await startMetadataServer();
    const asked = await startProxy(answer.status);
    expect((await failureOfSigning()).kind).toBe(answer.kind);
    expect(new Set(asked)).toEqual(new Set(['iamcredentials.googleapis.com:443']));
  },
);

it.each(ANSWERS)('a machine whose account is answered with $status: $kind', async ({ status, kind }) => {
  const path = '/computeMetadata/v1/instance/service-accounts/default/token';
  await startMetadataServer({ [path]: { status, text: 'no token' } });
  expect((await failureOfSigning()).kind).toBe(kind);
});

it('a service that is away says nothing of credentials, whatever its text', () => {
  const error = new Error('Deadline expired before operation could complete.');
  const failure = translateGcsError(Object.assign(error, { response: { status: 504 } }), { backend: 'gcs' });
  expect(failure).toMatchObject({ kind: 'UNAVAILABLE', retryable: true });
});
