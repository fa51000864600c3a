import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClamdService, ServiceDefinition } from './definitions.ts';
import { findBinary } from './find-binary.ts';
import { askOverTcp, freePort, startServer, temporaryFolder } from './server.ts';

/** The standard harmless test file, in two pieces so that no scanner takes this source for it. */
export const EICAR = `${'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR'}${'-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'}`;

/** ClamAV with a signature database of our own, which knows EICAR alone and is loaded at once. */
export const clamd: ServiceDefinition<ClamdService> = {
  variable: 'ASSET_CLI_TEST_CLAMD',
  fromUrl(text) {
    const url = new URL(text);
    return { host: url.hostname, port: Number(url.port), socket: null };
  },
  install: 'apt-get install clamav-daemon, or set ASSET_CLI_TEST_CLAMD=tcp://host:port',
  async start() {
    const command = findBinary('clamd');
    if (command === undefined) return null;
    const folder = await temporaryFolder('clamd');
    const port = await freePort();
    const socket = join(folder, 'clamd.sock');
    const configuration = join(folder, 'clamd.conf');
    writeFileSync(configuration, configure(folder, port, socket));
    const server = await startServer({
      command,
      args: ['-c', configuration],
      folder,
      ready: async () => (await askOverTcp(port, 'zPING\0')).startsWith('PONG'),
    });
    return { service: { host: '127.0.0.1', port, socket }, server };
  },
};

function configure(folder: string, port: number, socket: string): string {
  const signatures = join(folder, 'signatures');
  mkdirSync(signatures);
  const md5 = createHash('md5').update(EICAR).digest('hex');
  writeFileSync(join(signatures, 'test.hdb'), `${md5}:${EICAR.length}:Eicar-Test-Signature\n`);
  writeFileSync(join(signatures, 'test.ndb'), `Eicar-Test-Text:0:*:${Buffer.from(EICAR).toString('hex')}\n`);
  const settings = {
    Foreground: 'yes',
    TCPAddr: '127.0.0.1',
    TCPSocket: port,
    LocalSocket: socket,
    DatabaseDirectory: signatures,
    TemporaryDirectory: folder,
    StreamMaxLength: '25M',
    MaxThreads: 4,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');
}
