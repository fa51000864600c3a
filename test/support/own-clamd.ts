import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EICAR } from './services/clamd.ts';
import { findBinary } from './services/find-binary.ts';
import { askOverTcp, freePort, type RunningServer, startServer, temporaryFolder } from './services/server.ts';

/** A clamd of one test's own, with settings and a signature database that has a number. */
export interface OwnClamd {
  readonly host: string;
  readonly port: number;
  readonly socket: string;
  /** Its clamd.conf, for clamdscan. */
  readonly configuration: string;
  /** Loads the signatures under another number, as freshclam would have it do. */
  renumber(version: number): Promise<void>;
  stop(): Promise<void>;
  /** On the same port and socket. */
  start(): Promise<void>;
}

/** Settings as in clamd.conf; signatures as lines of an .hdb (hash) database beside EICAR. */
export async function startOwnClamd(
  settings: Readonly<Record<string, string | number>> = {},
  hashes: readonly string[] = [],
): Promise<OwnClamd> {
  const command = findBinary('clamd');
  if (command === undefined) throw new Error('clamd is not installed: apt-get install clamav-daemon');
  const folder = await temporaryFolder('own-clamd');
  const port = await freePort();
  const socket = join(folder, 'clamd.sock');
  const signatures = join(folder, 'signatures');
  const configuration = join(folder, 'clamd.conf');
  mkdirSync(signatures);
  writeDatabase(signatures, 27_001, hashes);
  const all = {
    Foreground: 'yes',
    TCPAddr: '127.0.0.1',
    TCPSocket: port,
    LocalSocket: socket,
    DatabaseDirectory: signatures,
    TemporaryDirectory: folder,
    AlertExceedsMax: 'yes',
    ...settings,
  };
  writeFileSync(configuration, linesOf(all));
  const ready = async () => (await askOverTcp(port, 'zPING\0')).startsWith('PONG');
  let server: RunningServer | undefined;
  const clamd: OwnClamd = {
    host: '127.0.0.1',
    port,
    socket,
    configuration,
    async renumber(version) {
      writeDatabase(signatures, version, hashes);
      await askOverTcp(port, 'zRELOAD\0');
      while (!(await askOverTcp(port, 'zVERSION\0')).includes(`/${version}/`)) await new Promise(setImmediate);
    },
    async stop() {
      await server?.stop();
      server = undefined;
    },
    async start() {
      mkdirSync(folder, { recursive: true });
      mkdirSync(signatures, { recursive: true });
      writeDatabase(signatures, 27_001, hashes);
      writeFileSync(configuration, linesOf(all));
      server = await startServer({ command, args: ['-c', configuration], folder, ready });
    },
  };
  await clamd.start();
  return clamd;
}

function linesOf(settings: Readonly<Record<string, string | number>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');
}

/** Makes the line of an .hdb database that finds a file as it is. */
export function hashSignature(name: string, path: string): string {
  const bytes = readFileSync(path);
  return `${createHash('md5').update(bytes).digest('hex')}:${bytes.length}:${name}`;
}

/**
 * A `daily.cud`, the unsigned kind of ClamAV's signed databases: the number of `daily` is what
 * clamd names as its version.
 */
function writeDatabase(folder: string, version: number, hashes: readonly string[]): void {
  const lines = [`${createHash('md5').update(EICAR).digest('hex')}:${EICAR.length}:Eicar-Test-Signature`, ...hashes];
  const hdb = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const header = `ClamAV-VDB:18 Nov 2026 12-00 +0000:${version}:${lines.length}:90`;
  const sum = createHash('sha256').update(hdb).digest('hex');
  const info = Buffer.from(`${header}:X:X:tests:1700000000\ndaily.hdb:${hdb.length}:${sum}\n`);
  const head = `${header}:${'0'.repeat(32)}:x:tests:1700000000`.padEnd(512);
  const tar = [tarEntry('COPYING', Buffer.from('none\n')), tarEntry('daily.info', info), tarEntry('daily.hdb', hdb)];
  const path = join(folder, 'daily.cud');
  writeFileSync(`${path}.new`, Buffer.concat([Buffer.from(head), ...tar, Buffer.alloc(1024)]));
  renameSync(`${path}.new`, path);
}

/** POSIX 1003.1, ustar. */
function tarEntry(name: string, data: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\0' + '00', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}
