import { join } from 'node:path';
import { cleanEnvironment, PROGRAM } from '../support/program.ts';
import { type BenchOptions, type Figure, median } from './benchmark.ts';
import { peakMemory, type TimedCommand, timeCommands } from './time-commands.ts';

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
  const timing = { runs: options.runs, env, folder: options.folder };
  const seconds = timeCommands([yardstick, ...commands], timing);
  const yardstickValue = median(seconds.get(yardstick.name) ?? []);
  return commands.map((command) => {
    const own = median(seconds.get(command.name) ?? []);
    const figure = { name: command.name, yardstick: yardstick.name, value: own, yardstickValue, maxRatio };
    const peak = maxPeakMemory === undefined ? undefined : peakMemory(command, timing);
    const memory = peak === undefined || maxPeakMemory === undefined ? {} : { peakMemory: peak, maxPeakMemory };
    return { ...figure, ratio: own / yardstickValue, ...memory };
  });
}
