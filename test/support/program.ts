import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const PROGRAM = resolve(import.meta.dirname, '../../bin/asset-cli.js');

export interface ProgramResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface ProgramOptions {
  cwd?: string;
  env?: Record<string, string>;
  input?: string | Buffer;
  /** Runs in front of the program: `['strace', …]`. */
  prefix?: readonly string[];
}

/** An environment in which the program finds nothing of the person who runs the tests. */
export function cleanEnvironment(home: string, extra: Record<string, string> = {}): Record<string, string> {
  mkdirSync(home, { recursive: true });
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: home,
    LANG: 'C.UTF-8',
    TMPDIR: home,
    USER: 'tester',
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_DATA_HOME: join(home, 'data'),
    ...extra,
  };
}

export function startProgram(home: string, args: readonly string[], options: ProgramOptions = {}): ChildProcess {
  const [command = process.execPath, ...rest] = [...(options.prefix ?? []), process.execPath, PROGRAM, ...args];
  return spawn(command, rest, {
    cwd: options.cwd ?? home,
    env: cleanEnvironment(home, options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Runs the built program as a user would, in a home of its own. */
export function runProgram(
  home: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const child = startProgram(home, args, options);
  child.stdin?.on('error', ignoreClosedPipe);
  child.stdin?.end(options.input ?? '');
  return finished(child);
}

export function finished(child: ChildProcess): Promise<ProgramResult> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolvePromise, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString();
      resolvePromise({ code, signal, stdout: text(stdout), stderr: text(stderr) });
    });
  });
}

/** A program that ends before it has read its input closes the pipe; that is not the test's failure. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
