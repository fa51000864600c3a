import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { openAzureBackend } from '../../src/storage/azure/azure-backend.ts';
import { createAzureCaller } from '../../src/storage/azure/client.ts';
import type { AzureDefinition } from '../../src/storage/definition.ts';
import { memoryBody } from '../support/bodies.ts';
import { TIMEOUTS } from '../support/cloud-stores.ts';
import { answersHttp, freePort, type RunningServer, startServer, temporaryFolder } from '../support/services/server.ts';
import { requireTool } from '../support/tools.ts';

const ACCOUNT = 'devstoreaccount1';
const KEY = parseStorageKey('org/report.csv');

let emulator: RunningServer;
let identity: Server;
let definition: AzureDefinition;

const openssl = requireTool('openssl', ['version'], 'apt-get install openssl');

// Azurite takes tokens and gives user delegation keys over HTTPS alone. The environment is that of this file's process.
beforeAll(async () => {
  if (openssl.missing) return;
  const folder = await temporaryFolder('azure-oauth');
  const [certificate, privateKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      ...subject,
      '-keyout',
      privateKey,
      '-out',
      certificate,
    ],
    { stdio: 'pipe' },
  );
  const port = await freePort();
  const origin = `https://127.0.0.1:${port}`;
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  emulator = await startServer({
    command: process.execPath,
    args: [
      join(dirname(createRequire(import.meta.url).resolve('azurite/package.json')), 'dist/src/blob/main.js'),
      ...[
        '--blobHost',
        '127.0.0.1',
        '--blobPort',
        String(port),
        '--oauth',
        'basic',
        '--cert',
        certificate,
        '--key',
        privateKey,
      ],
      ...['--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry', '--silent'],
    ],
    folder,
    ready: () => answersHttp(origin),
  });
  identity = await startIdentityEndpoint();
  definition = {
    name: 'azure',
    provider: 'AZURE_BLOB',
    account: ACCOUNT,
    container: 'reports',
    endpoint: `${origin}/${ACCOUNT}`,
  };
  const caller = createAzureCaller(definition, TIMEOUTS);
  await (await caller.call({ method: 'PUT', query: { restype: 'container' } })).body.dump();
});

afterAll(async () => {
  identity?.close();
  await emulator?.stop();
});

/** What App Service offers its programs: tokens for the managed identity. */
async function startIdentityEndpoint(): Promise<Server> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    const expires = Math.floor(Date.now() / 1000) + 3600;
    response.end(
      JSON.stringify({ access_token: forgeToken(expires), expires_on: String(expires), token_type: 'Bearer' }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  process.env['IDENTITY_HEADER'] = 'secret';
  return server;
}

/** Azurite looks at audience, issuer and times of a token, not at its signature. */
function forgeToken(expires: number): string {
  const claims = {
    aud: 'https://storage.azure.com',
    iss: 'https://sts.windows.net/00000000-0000-0000-0000-000000000000/',
    iat: expires - 3600,
    nbf: expires - 3600,
    exp: expires,
    oid: '00000000-0000-0000-0000-000000000001',
    tid: '00000000-0000-0000-0000-000000000000',
  };
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}.c2lnbmF0dXJl`;
}

it.skipIf(openssl.missing)("works with the SDK's own credentials, and signs with a user delegation key", async () => {
  const store = openAzureBackend(definition, TIMEOUTS);
  await store.put(KEY, memoryBody('a,b\n'), { ifAbsent: true });
  const signing = { expiresIn: 60, downloadAs: 'Bericht.csv', inline: false, contentType: 'text/csv' };
  const { url } = await store.sign(KEY, signing);
  expect(new URL(url).searchParams.get('skoid')).toBe('00000000-0000-0000-0000-000000000001');
  const answer = await fetch(url);
  expect(await answer.text()).toBe('a,b\n');
  expect(answer.headers.get('content-type')).toBe('text/csv');
  expect(answer.headers.get('content-disposition')).toContain('Bericht.csv');
  expect((await fetch(url.replace('report.csv', 'other.csv'))).status).toBe(403);
  expect(await store.deleteMany([KEY])).toEqual([]);
  await store.close();
});
