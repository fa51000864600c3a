import type { ServiceDefinition, ToxiproxyService } from './definitions.ts';
import { findBinary } from './find-binary.ts';
import { answersHttp, freePort, startServer, temporaryFolder } from './server.ts';

/** Puts latency, resets and cut streams between a test and a server. */
export const toxiproxy: ServiceDefinition<ToxiproxyService> = {
  variable: 'ASSET_CLI_TEST_TOXIPROXY',
  fromUrl: (url) => ({ url: new URL(url).origin }),
  install: 'npm run install-services (needs Go)',
  async start() {
    const command = findBinary('toxiproxy-server');
    if (command === undefined) return null;
    const folder = await temporaryFolder('toxiproxy');
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const server = await startServer({
      command,
      args: ['-host', '127.0.0.1', '-port', String(port)],
      folder,
      ready: () => answersHttp(`${url}/version`),
    });
    return { service: { url }, server };
  },
};
