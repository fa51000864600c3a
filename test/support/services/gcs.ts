import type { GcsService, ServiceDefinition } from './definitions.ts';
import { findBinary } from './find-binary.ts';
import { answersHttp, freePort, startServer, temporaryFolder } from './server.ts';

export const gcs: ServiceDefinition<GcsService> = {
  variable: 'ASSET_CLI_TEST_GCS',
  fromUrl: (url) => ({ url: new URL(url).origin }),
  install: 'npm run install-services (needs Go), or set ASSET_CLI_TEST_GCS=http://host:port',
  async start() {
    const command = findBinary('fake-gcs-server');
    if (command === undefined) return null;
    const folder = await temporaryFolder('gcs');
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const listen = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port)];
    const server = await startServer({
      command,
      args: [
        ...listen,
        '-backend',
        'memory',
        '-public-host',
        `127.0.0.1:${port}`,
        '-external-url',
        url,
        '-log-level',
        'error',
      ],
      folder,
      ready: () => answersHttp(`${url}/storage/v1/b?project=test`),
    });
    return { service: { url }, server };
  },
};
