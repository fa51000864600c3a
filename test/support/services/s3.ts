import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { S3Service, ServiceDefinition } from './definitions.ts';
import { findBinary } from './find-binary.ts';
import { answersHttp, freePort, startServer, temporaryFolder } from './server.ts';

const REGION = 'us-east-1';
const ACCESS_KEY = 'test-access-key';
const SECRET_KEY = 'test-secret-key';

/** Versity's gateway over a folder: it checks signatures and checksums, which lenient servers do not. */
export const s3: ServiceDefinition<S3Service> = {
  variable: 'ASSET_CLI_TEST_S3',
  fromUrl(text) {
    const url = new URL(text);
    return {
      url: url.origin,
      region: url.searchParams.get('region') ?? REGION,
      accessKeyId: decodeURIComponent(url.username),
      secretAccessKey: decodeURIComponent(url.password),
    };
  },
  install: 'npm run install-services (needs Go), or set ASSET_CLI_TEST_S3=http://key:secret@host:port',
  async start() {
    const command = findBinary('versitygw');
    if (command === undefined) return null;
    const folder = await temporaryFolder('s3');
    const [data, metadata] = [join(folder, 'data'), join(folder, 'metadata')];
    mkdirSync(data);
    mkdirSync(metadata);
    const port = await freePort();
    const credentials = ['--access', ACCESS_KEY, '--secret', SECRET_KEY, '--region', REGION];
    const url = `http://127.0.0.1:${port}`;
    const server = await startServer({
      command,
      // Metadata beside the data: a tmpfs may know no extended attributes.
      args: [
        ...credentials,
        '--port',
        `127.0.0.1:${port}`,
        '--keep-alive',
        '--quiet',
        'posix',
        '--sidecar',
        metadata,
        data,
      ],
      folder,
      ready: () => answersHttp(url),
    });
    return { service: { url, region: REGION, accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY }, server };
  },
};
