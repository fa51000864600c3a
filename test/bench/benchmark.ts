/** Sizes of a run; small ones make a smoke test of it. */
export interface BenchOptions {
  /** A folder for everything that is made, on the file system that is measured. */
  folder: string;
  /** How often each command is timed. */
  runs: number;
  /** Runs of each command before them that are thrown away. */
  warmup: number;
  assets: number;
  files: number;
  fileBytes: number;
  largeFileBytes: number;
  /** Assets of a purge. */
  purged: number;
  /** Assets of the large catalog on PostgreSQL. */
  postgresAssets: number;
  /** Of load on a server, for each figure. */
  httpSeconds: number;
  /** How long a server has to bear hundreds of clients. */
  soakSeconds: number;
}

/** One figure: a command against its yardstick, both timed in the same run. */
export interface Figure {
  name: string;
  yardstick: string;
  /** What `value` and `yardstickValue` count; seconds (medians) unless it is said. */
  unit?: 'buffers' | 'scans' | 'percent';
  value: number;
  yardstickValue: number;
  ratio: number;
  maxRatio: number;
  /** User and system time of the clients, medians, where it could be told: a server may share the machine. */
  cpuSeconds?: number;
  yardstickCpuSeconds?: number;
  /** In bytes, where the figure has a limit for it. */
  peakMemory?: number;
  maxPeakMemory?: number;
}

export interface Benchmark {
  name: string;
  /** What has to be reached, in words. */
  target: string;
  /** What it cannot be measured without, and how to get it; undefined if it is all there. */
  missing?(): string | undefined;
  run(options: BenchOptions): Promise<Figure[]>;
}

export function isMet(figure: Figure): boolean {
  const flat = (figure.peakMemory ?? 0) <= (figure.maxPeakMemory ?? Number.POSITIVE_INFINITY);
  return flat && figure.ratio <= figure.maxRatio;
}

/** A figure that has a limit of its own instead of a yardstick beside it. */
export function limited(name: string, unit: NonNullable<Figure['unit']>, value: number, limit: number): Figure {
  const figure = { name, unit, value, yardstick: `${limit} ${unit}`, yardstickValue: limit };
  // Of what must not be at all, one is one too many.
  return limit === 0 ? { ...figure, ratio: value, maxRatio: 0 } : { ...figure, ratio: value / limit, maxRatio: 1 };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error('nothing was measured');
  return (low + high) / 2;
}
