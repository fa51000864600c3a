import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const KEEPER = join(import.meta.dirname, 'keeper.mjs');
const START_TIMEOUT = 30_000;
const LOG_KEPT = 4000;

export interface ServerCommand {
  command: string;
  args: readonly string[];
  /** The folder that goes with the server. */
  folder: string;
  stopSignal?: NodeJS.Signals;
  /** Runs it as this user; only root can. */
  uid?: number;
  /** Whether it serves by now; it may throw as long as it does not. */
  ready: (log: string) => Promise<boolean> | boolean;
}

export interface RunningServer {
  stop(): Promise<void>;
}

/**
 * Starts a server and waits until it serves.
 * @throws Error with the end of its log, if it ends or takes longer than 30 s
 */
export async function startServer(server: ServerCommand): Promise<RunningServer> {
  const user = server.uid === undefined ? '-' : String(server.uid);
  const args = [KEEPER, server.folder, server.stopSignal ?? 'SIGTERM', user, server.command, ...server.args];
  const keeper = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [keeper.stdout, keeper.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-LOG_KEPT);
    });
  }
  const running = { stop: () => stop(keeper) };
  const end = Date.now() + START_TIMEOUT;
  while (!(await isReady(server, log))) {
    if (hasEnded(keeper) || Date.now() > end) {
      await running.stop();
      throw new Error(`${server.command} did not start: ${log.trim()}`);
    }
    await pause(50);
  }
  return running;
}

async function isReady(server: ServerCommand, log: string): Promise<boolean> {
  try {
    return await server.ready(log);
  } catch {
    return false; // not listening yet: asked again until the time is up
  }
}

async function stop(keeper: ChildProcess): Promise<void> {
  if (hasEnded(keeper)) return;
  const ended = once(keeper, 'exit');
  keeper.stdin?.end();
  await ended;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

export function temporaryFolder(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `asset-cli-${name}-`));
}

/** A port on the loopback interface that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP port to be had');
  return address.port;
}

export async function answersHttp(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.arrayBuffer();
  return response.status < 500;
}

/** Sends a line and tells what comes back first. */
export async function askOverTcp(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.setTimeout(2000, () => socket.destroy(new Error('no answer')));
    socket.end(request);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString();
  } finally {
    socket.destroy();
  }
}
