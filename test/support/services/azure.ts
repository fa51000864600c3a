import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { AzureService, ServiceDefinition } from './definitions.ts';
import { answersHttp, freePort, startServer, temporaryFolder } from './server.ts';

const ACCOUNT = 'devstoreaccount1';
/** The published key of every Azure storage emulator; no secret. */
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export const azure: ServiceDefinition<AzureService> = {
  variable: 'ASSET_CLI_TEST_AZURE',
  fromUrl: (url) => describe(new URL(url).origin),
  install: 'npm ci (azurite)',
  start: () => startAzure({ keeps: 'memory' }),
};

/** @param keeps in memory up to half of the machine's; on the disk, until the server stops, what is more */
export async function startAzure({ keeps }: { keeps: 'memory' | 'disk' }) {
  const folder = await temporaryFolder('azure');
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const packageFolder = dirname(createRequire(import.meta.url).resolve('azurite/package.json'));
  const listen = ['--blobHost', '127.0.0.1', '--blobPort', String(port)];
  const server = await startServer({
    command: process.execPath,
    args: [
      join(packageFolder, 'dist/src/blob/main.js'),
      ...listen,
      ...(keeps === 'memory' ? ['--inMemoryPersistence'] : ['--location', folder]),
      '--skipApiVersionCheck',
      '--disableTelemetry',
      '--silent',
    ],
    folder,
    ready: () => answersHttp(origin),
  });
  return { service: describe(origin), server };
}

function describe(origin: string): AzureService {
  const url = `${origin}/${ACCOUNT}`;
  const parts = ['DefaultEndpointsProtocol=http', `AccountName=${ACCOUNT}`, `AccountKey=${KEY}`, `BlobEndpoint=${url}`];
  return { url, account: ACCOUNT, accountKey: KEY, connectionString: `${parts.join(';')};` };
}
