import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { PROGRAM } from '../support/program.ts';
import type { BenchOptions } from './benchmark.ts';
import { environment } from './compare.ts';

const TYPESCRIPT = resolve(import.meta.dirname, '../../scripts/run-typescript.mjs');

export interface HttpServer {
  url: string;
  /** Of its process, in bytes: the most so far, and now. */
  memory(): { peak: number; now: number };
  stop(): Promise<void>;
}

/** The program as it serves, on a fresh catalog and store, with a token for it. */
export async function startOwn(options: BenchOptions): Promise<HttpServer & { token: string; run: Run }> {
  const folder = freshFolder(options);
  const config = join(folder, 'serve.json');
  // The load generator is one client.
  const maxFileSize = options.largeFileBytes + 2 ** 21;
  writeFileSync(config, JSON.stringify({ serve: { rateLimit: 0 }, limits: { maxFileSize } }), { mode: 0o600 });
  const env = environment({ ...options, folder }, { ASSET_CLI_CONFIG: config });
  const run: Run = (...args) => execFileSync(process.execPath, [PROGRAM, ...args], { env, encoding: 'utf8' }).trim();
  const token = run('token', 'create', '--for-user', 'bench');
  const server = await start([PROGRAM, 'serve', '--port', '0', '--quiet'], env);
  return { ...server, token, run, stop: () => stopAndRemove(server, folder) };
}

type Run = (...args: string[]) => string;

/** Bare Fastify on this folder, whose files are at /static/. */
export async function startYardstick(options: BenchOptions): Promise<HttpServer & { root: string }> {
  const root = freshFolder(options);
  const script = join(import.meta.dirname, 'yardstick-server.ts');
  const server = await start(['--import', TYPESCRIPT, script, root], process.env);
  return { ...server, root, stop: () => stopAndRemove(server, root) };
}

/**
 * Nothing is removed before a timing: for minutes ext4 passes over each inode that was freed, one by one, whenever it
 * makes a file, which took more than all the rest of an upload.
 */
function freshFolder({ folder }: BenchOptions): string {
  return mkdtempSync(join(folder, 'http-'));
}

async function stopAndRemove(server: HttpServer, folder: string): Promise<void> {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function start(args: readonly string[], env: NodeJS.ProcessEnv): Promise<HttpServer> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = `${errors}${chunk}`.slice(-4000);
  });
  const [url] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'close').then(() => Promise.reject(new Error(`the server did not start: ${errors}`))),
  ]);
  return { url, memory: () => memoryOf(child), stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'close');
}

function memoryOf({ pid }: ChildProcess): { peak: number; now: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return { peak: kibibytes('VmHWM') * 1024, now: kibibytes('VmRSS') * 1024 };
}
