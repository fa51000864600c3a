import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type OwnClamd, startOwnClamd } from '../support/own-clamd.ts';
import { PROGRAM } from '../support/program.ts';
import type { Benchmark, BenchOptions, Figure } from './benchmark.ts';
import { ASSET_CLI, compare, dataFolder, environment, quote } from './compare.ts';

const MIB = 2 ** 20;
const FILES = 2000;
const FILE_BYTES = 100 * 1024;
const LARGEST = 1024 * MIB;

export const scanAll: Benchmark = {
  name: 'scan-all',
  target:
    'scan --all of 2,000 files of 100 KiB takes at most 1.3 × clamdscan --multiscan --stream against the same clamd; with files of 1 GiB among them less than 150 MiB',
  async run(options) {
    const clamd = await startOwnClamd({ StreamMaxLength: '2000M', MaxFileSize: '2000M', MaxScanSize: '2000M' });
    try {
      const many = scanBoth(options, clamd, 'scan --all', writeFiles(options), {});
      const large = writeLargeFiles(options);
      const memory = { maxPeakMemory: 150 * MIB, runs: 1 };
      return [...many, ...scanBoth(options, clamd, 'scan --all with large files', large, memory)];
    } finally {
      await clamd.stop();
    }
  },
};

/** Over the Unix socket, which clamdscan takes too. Uploads the files unscanned, then times scans of them as they are stored against clamdscan of the originals. */
function scanBoth(
  options: BenchOptions,
  clamd: OwnClamd,
  name: string,
  source: string,
  { runs, ...limits }: { runs?: number; maxPeakMemory?: number },
): Figure[] {
  const env = environment(options, { MAX_FILE_SIZE: String(2 * LARGEST) });
  const configure = (mode: string) => {
    const folder = join(options.folder, 'home/config/asset-cli');
    mkdirSync(folder, { recursive: true });
    const scan = `scan: { mode: ${mode}, clamd: { socket: ${clamd.socket} } }\n`;
    writeFileSync(join(folder, 'config.yaml'), scan);
  };
  rmSync(dataFolder(options), { recursive: true, force: true });
  configure('off');
  execFileSync(process.execPath, [PROGRAM, 'upload', source, '--quiet'], { env, stdio: 'ignore' });
  const figures = compare(
    { ...options, runs: runs ?? options.runs },
    {
      yardstick: {
        name: 'clamdscan --multiscan --stream',
        command: `clamdscan --multiscan --stream --quiet -c ${quote(clamd.configuration)} ${quote(source)}`,
      },
      maxRatio: 1.3,
      ...limits,
      commands: [{ name, command: `${ASSET_CLI} scan --all --quiet` }],
    },
    env,
  );
  for (const path of [source, dataFolder(options), join(options.folder, 'home/config')]) {
    rmSync(path, { recursive: true, force: true });
  }
  return figures;
}

function writeFiles({ folder, files, fileBytes }: BenchOptions): string {
  const source = join(folder, 'scanned');
  rmSync(source, { recursive: true, force: true });
  mkdirSync(source, { recursive: true });
  // Small sizes make a smoke test of this too.
  const [count, bytes] = [Math.min(files, FILES), Math.min(fileBytes * 10, FILE_BYTES)];
  for (let index = 0; index < count; index += 1) writeFileSync(join(source, `${index}.txt`), textOf(index, bytes));
  return source;
}

/** Two large ones among few small ones. */
function writeLargeFiles(options: BenchOptions): string {
  const source = writeFiles({ ...options, files: 20 });
  const size = Math.min(options.largeFileBytes, LARGEST);
  for (const nth of [1, 2]) {
    const file = openSync(join(source, `large-${nth}.txt`), 'w');
    for (let at = 0; at < size; at += MIB) writeSync(file, textOf(nth * 10_000 + at / MIB, Math.min(MIB, size - at)));
    closeSync(file);
  }
  return source;
}

/** Text that differs from file to file. */
function textOf(seed: number, bytes: number): string {
  const line = `${seed} ${((seed * 2654435761) % 2 ** 32).toString(36)} what a report says, line after line\n`;
  return line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes);
}
