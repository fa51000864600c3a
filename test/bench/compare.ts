import { join } from 'node:path';
import { cleanEnvironment, PROGRAM } from '../support/program.ts';
import { type BenchOptions, type Figure, median } from './benchmark.ts';
import { peakMemory, type Timed, type TimedCommand, timeCommands } from './time-commands.ts';

export interface Comparison {
  yardstick: TimedCommand;
  maxRatio: number;
  /** In bytes. */
  maxPeakMemory?: number;
  commands: readonly TimedCommand[];
}

/** What every benchmark begins its command lines with. */
export const ASSET_CLI = `node ${quote(PROGRAM)}`;

export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Where the program keeps its data when `environment` is in force. */
export function dataFolder({ folder }: BenchOptions): string {
  return join(folder, 'home', 'data');
}

export function environment({ folder }: BenchOptions, extra: Record<string, string> = {}): Record<string, string> {
  return cleanEnvironment(join(folder, 'home'), extra);
}

/** Times commands and their yardstick in one run, then weighs the memory of those that have a limit. */
export function compare(options: BenchOptions, comparison: Comparison, env = environment(options)): Figure[] {
  const { yardstick, commands, maxRatio, maxPeakMemory } = comparison;
  const timing = { runs: options.runs, warmup: options.warmup, env, folder: options.folder };
  const timed = timeCommands([yardstick, ...commands], timing);
  const their = medians(timed.get(yardstick.name) ?? []);
  return commands.map((command) => {
    const own = medians(timed.get(command.name) ?? []);
    const figure = {
      name: command.name,
      yardstick: yardstick.name,
      value: own.seconds,
      yardstickValue: their.seconds,
      maxRatio,
      ...(own.cpuSeconds === undefined ? {} : { cpuSeconds: own.cpuSeconds }),
      ...(their.cpuSeconds === undefined ? {} : { yardstickCpuSeconds: their.cpuSeconds }),
    };
    const peak = maxPeakMemory === undefined ? undefined : peakMemory(command, timing);
    const memory = peak === undefined || maxPeakMemory === undefined ? {} : { peakMemory: peak, maxPeakMemory };
    return { ...figure, ratio: own.seconds / their.seconds, ...memory };
  });
}

function medians(runs: readonly Timed[]): Timed {
  const seconds = median(runs.map((run) => run.seconds));
  const cpu = runs.flatMap(({ cpuSeconds }) => cpuSeconds ?? []);
  return cpu.length === 0 ? { seconds } : { seconds, cpuSeconds: median(cpu) };
}
