import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { PROGRAM } from '../support/program.ts';
import type { BenchOptions } from './benchmark.ts';
import { dataFolder, environment } from './compare.ts';

const TYPESCRIPT = resolve(import.meta.dirname, '../../scripts/run-typescript.mjs');

export interface HttpServer {
  url: string;
  /** Of its process, in bytes: the most so far, and now. */
  memory(): { peak: number; now: number };
  stop(): Promise<void>;
}

/** The program as it serves, on a fresh catalog and store, with a token for it. */
export async function startOwn(options: BenchOptions): Promise<HttpServer & { token: string; run: Run }> {
  rmSync(dataFolder(options), { recursive: true, force: true });
  const config = join(options.folder, 'serve.json');
  // The load generator is one client.
  const maxFileSize = options.largeFileBytes + 2 ** 21;
  writeFileSync(config, JSON.stringify({ serve: { rateLimit: 0 }, limits: { maxFileSize } }), { mode: 0o600 });
  const env = environment(options, { ASSET_CLI_CONFIG: config });
  const run: Run = (...args) => execFileSync(process.execPath, [PROGRAM, ...args], { env, encoding: 'utf8' }).trim();
  const token = run('token', 'create', '--for-user', 'bench');
  const server = await start([PROGRAM, 'serve', '--port', '0', '--quiet'], env);
  return { ...server, token, run };
}

type Run = (...args: string[]) => string;

/** Bare Fastify on this folder, whose files are at /static/. */
export async function startYardstick({ folder }: BenchOptions): Promise<HttpServer & { root: string }> {
  const root = join(folder, 'static');
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  const script = join(import.meta.dirname, 'yardstick-server.ts');
  return { ...(await start(['--import', TYPESCRIPT, script, root], process.env)), root };
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
