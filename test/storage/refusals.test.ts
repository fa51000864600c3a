import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { StorageBackend } from '../../src/storage/backend.ts';
import type { BackendDefinition } from '../../src/storage/definition.ts';
import { openBackend } from '../../src/storage/open.ts';
import { freshKey } from '../conformance/storage-keys.ts';
import { collect, memoryBody } from '../support/bodies.ts';
import { azureDefinition, gcsDefinition, s3Definition, TIMEOUTS, useS3Credentials } from '../support/cloud-stores.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { createBucket, describeWithService } from '../support/services/index.ts';

const TWENTY_MINUTES = 20 * 60 * 1000;

afterEach(() => vi.useRealTimers());

/** What each call ends in, with everything that its error could show. */
async function failuresOf(definition: BackendDefinition): Promise<{ kinds: string[]; text: string }> {
  const store = await openBackend(definition, TIMEOUTS);
  const calls: ((store: StorageBackend) => Promise<unknown>)[] = [
    (backend) => backend.put(freshKey(), memoryBody('x'), { ifAbsent: true }),
    (backend) => backend.get(freshKey()),
    (backend) => backend.stat(freshKey()),
    (backend) => collect(backend.list('')),
    (backend) => backend.deleteMany([freshKey()]),
  ];
  const kinds: string[] = [];
  let text = '';
  for (const call of calls) {
    const error = await call(store).then(
      () => ({ kind: 'none' }),
      (thrown: unknown) => thrown,
    );
    kinds.push(error instanceof Object && 'kind' in error ? String(error.kind) : String(error));
    text += `${error instanceof Error ? `${error.stack} ${String(error.cause)}` : ''} ${JSON.stringify(error)}`;
  }
  await store.close();
  return { kinds, text };
}

await describeWithService('s3', 'what Amazon S3 refuses', (s3) => {
  const all = (kind: string) => Array.from({ length: 5 }, () => kind);

  it('wrong keys, without showing them', async () => {
    useS3Credentials({ ...s3, secretAccessKey: 'not-the-secret-key' });
    const { kinds, text } = await failuresOf(s3Definition(s3, await createBucket('s3')));
    expect(kinds).toEqual(all('CREDENTIALS'));
    expect(text).not.toContain('not-the-secret-key');
    useS3Credentials({ ...s3, accessKeyId: 'nobody' });
    expect((await failuresOf(s3Definition(s3, await createBucket('s3')))).kinds).toEqual(all('CREDENTIALS'));
    useS3Credentials(s3);
  });

  it('a wrong region', async () => {
    useS3Credentials(s3);
    const definition = { ...s3Definition(s3, await createBucket('s3')), region: 'eu-west-1' };
    expect((await failuresOf(definition)).kinds).toEqual(all('CREDENTIALS'));
  });

  it('a clock that is twenty minutes off', async () => {
    useS3Credentials(s3);
    const definition = s3Definition(s3, await createBucket('s3'));
    for (const offset of [TWENTY_MINUTES, -TWENTY_MINUTES]) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + offset });
      expect((await failuresOf(definition)).kinds).toEqual(all('CLOCK'));
      vi.useRealTimers();
    }
  });

  it('credentials that have run out, after one attempt to renew them', async () => {
    useS3Credentials(s3);
    const proxy = await startFaultProxy(s3.url);
    const body = '<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>';
    proxy.always({ kind: 'answer', status: 400, body });
    const definition = s3Definition({ ...s3, url: proxy.origin }, await createBucket('s3'));
    expect((await failuresOf(definition)).kinds).toEqual(all('EXPIRED'));
    await proxy.close();
  });

  it('to find credentials or a region where there are none', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', '');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
    const definition = s3Definition(s3, 'anything');
    expect((await failuresOf(definition)).kinds).toEqual(all('CREDENTIALS'));
    const { region: _, ...withoutRegion } = definition;
    expect((await failuresOf(withoutRegion)).kinds).toEqual(all('CREDENTIALS'));
  });

  it('an endpoint that is not S3', async () => {
    useS3Credentials(s3);
    for (const status of [200, 404]) {
      const server = createServer((_request, response) => response.writeHead(status).end('<!DOCTYPE html><p>Hello'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { kinds } = await failuresOf(s3Definition({ ...s3, url }, 'anything'));
      expect(kinds[3]).toBe('STORE_MISSING');
      if (status === 404) expect(kinds).toEqual(all('STORE_MISSING'));
      server.close();
    }
  });
});

await describeWithService('azure', 'what Azure Blob Storage refuses', (azure) => {
  it('a wrong account key, without showing it', async () => {
    const wrong = Buffer.from('not the account key').toString('base64');
    const connectionString = azure.connectionString.replace(azure.accountKey, wrong);
    const container = await createBucket('azure');
    const { kinds, text } = await failuresOf({ ...azureDefinition(azure, container), connectionString });
    expect(new Set(kinds)).toEqual(new Set(['CREDENTIALS']));
    expect(text).not.toContain(wrong);
  });

  it('a connection string without credentials', async () => {
    const definition = { ...azureDefinition(azure, 'anything'), connectionString: 'AccountName=x' };
    await expect(openBackend(definition, TIMEOUTS)).rejects.toMatchObject({ kind: 'CREDENTIALS' });
  });
});

await describeWithService('gcs', 'what Google Cloud Storage refuses', (gcs) => {
  it('a credentials file that is not there', async () => {
    const definition = { ...gcsDefinition(gcs, 'anything'), credentialsFile: '/nonexistent/key.json' };
    expect(new Set((await failuresOf(definition)).kinds)).toEqual(new Set(['CREDENTIALS']));
  });
});

describe('a backend that is not used', () => {
  it('loads no SDK and opens no connection', async () => {
    const definition: BackendDefinition = {
      name: 'x',
      provider: 'AWS_S3',
      bucket: 'b',
      endpoint: 'http://127.0.0.1:9',
    };
    await (await openBackend(definition, TIMEOUTS)).close();
  });
});

describe('an endpoint that refuses the TLS handshake', () => {
  it('is not taken for one that speaks no TLS', async () => {
    // Without a certificate, and with keys that nobody else has.
    const options = { ciphers: 'PSK', maxVersion: 'TLSv1.2', pskCallback: () => null } as const;
    const server = createTlsServer(options).on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const apiEndpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const definition = { name: 'gcs', provider: 'GOOGLE_CLOUD_STORAGE', bucket: 'anything', apiEndpoint } as const;
    const store = await openBackend(definition, TIMEOUTS);
    await expect(store.stat(freshKey())).rejects.toMatchObject({
      kind: 'UNSUPPORTED',
      message: 'the endpoint refuses the TLS handshake: handshake failure',
    });
    await store.close();
    server.close();
  });
});
