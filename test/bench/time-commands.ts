import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findBinary } from '../support/services/find-binary.ts';

export interface TimedCommand {
  name: string;
  /** A shell command. */
  command: string;
  /** A shell command that runs before each timing and is not timed. */
  prepare?: string;
}

export interface Timing {
  runs: number;
  env: Record<string, string>;
  folder: string;
  /** Runs that are thrown away. */
  warmup: number;
}

/** One run of a command. */
export interface Timed {
  seconds: number;
  /** User and system time of the command itself and what it starts; undefined where hyperfine is missing. */
  cpuSeconds?: number;
}

/**
 * Times whole commands, one run of each in turn, so that whatever else the machine does meets all of
 * them alike. The runs of each, by name.
 */
export function timeCommands(commands: readonly TimedCommand[], timing: Timing): Map<string, Timed[]> {
  const timed = new Map<string, Timed[]>(commands.map(({ name }) => [name, []]));
  const once = findBinary('hyperfine') === undefined ? timeOnce : timeOnceByHyperfine;
  for (let round = 0; round < timing.warmup + timing.runs; round += 1) {
    for (const command of commands) {
      const time = once(command, timing);
      if (round >= timing.warmup) timed.get(command.name)?.push(time);
    }
  }
  return timed;
}

function timeOnceByHyperfine({ command, prepare }: TimedCommand, { env, folder }: Timing): Timed {
  const report = join(folder, 'hyperfine.json');
  const before = prepare === undefined ? [] : ['--prepare', prepare];
  // Without a shell where neither needs one: its start would be timed too.
  const shell = /[&|;<>]/.test(`${command} ${prepare ?? ''}`) ? [] : ['-N'];
  const args = [...shell, '--runs', '1', '--style', 'none', '--export-json', report, ...before, command];
  check(command, spawnSync('hyperfine', args, { env, encoding: 'utf8' }));
  const { results } = JSON.parse(readFileSync(report, 'utf8')) as {
    results: { mean: number; user: number; system: number }[];
  };
  rmSync(report);
  const { mean = Number.NaN, user = Number.NaN, system = Number.NaN } = results[0] ?? {};
  return { seconds: mean, cpuSeconds: user + system };
}

function timeOnce({ command, prepare }: TimedCommand, { env }: Timing): Timed {
  if (prepare !== undefined) runShell(prepare, env);
  const start = process.hrtime.bigint();
  check(command, spawnSync(command, { shell: true, env, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' }));
  return { seconds: Number(process.hrtime.bigint() - start) / 1e9 };
}

/** The most memory that one run of the command held, in bytes; undefined where GNU time is missing. */
export function peakMemory(
  { command, prepare }: TimedCommand,
  { env, folder }: Pick<Timing, 'env' | 'folder'>,
): number | undefined {
  if (findBinary('time') === undefined) return undefined;
  if (prepare !== undefined) runShell(prepare, env);
  const report = join(folder, 'peak.txt');
  const measured = `exec /usr/bin/env time -f %M -o '${report}' ${command}`;
  check(command, spawnSync(measured, { shell: true, env, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' }));
  return Number(readFileSync(report, 'utf8').trim()) * 1024;
}

export function runShell(command: string, env: Record<string, string>): void {
  check(command, spawnSync(command, { shell: true, env, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' }));
}

function check(command: string, result: { status: number | null; stderr: string; error?: Error }): void {
  if (result.status === 0) return;
  throw new Error(`${command} ended with ${result.status}: ${result.error?.message ?? result.stderr.trim()}`);
}
