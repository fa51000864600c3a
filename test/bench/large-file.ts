import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PROGRAM } from '../support/program.ts';
import type { Benchmark, BenchOptions } from './benchmark.ts';
import { ASSET_CLI, compare, dataFolder, environment, quote } from './compare.ts';

const MIB = 2 ** 20;
const PICTURE = resolve(import.meta.dirname, '../../fixtures/files/chart.jpg');

export const largeFile: Benchmark = {
  name: 'large-file',
  target: 'upload and download of a 2 GiB file take at most 1.5 × cp, sync and sha256sum, in less than 150 MiB',
  async run(options) {
    const source = writeLargeFile(options);
    const env = environment(options, { MAX_FILE_SIZE: String(options.largeFileBytes + MIB) });
    const [data, copy, back] = [
      dataFolder(options),
      join(options.folder, 'copy.jpg'),
      join(options.folder, 'back.jpg'),
    ];
    rmSync(data, { recursive: true, force: true });
    const yardstick = {
      name: 'cp + sync + sha256sum',
      command: `cp ${quote(source)} ${quote(copy)} && sync && sha256sum ${quote(copy)}`,
      prepare: `rm -f ${quote(copy)} && sync`,
    };
    const limits = { yardstick, maxRatio: 1.5, maxPeakMemory: 150 * MIB };
    const upload = {
      name: 'upload of a large file',
      command: `${ASSET_CLI} upload ${quote(source)}`,
      prepare: `rm -rf ${quote(data)} && sync`,
    };
    const uploads = compare(options, { ...limits, commands: [upload] }, env);
    rmSync(data, { recursive: true, force: true });
    const uploaded = execFileSync(process.execPath, [PROGRAM, 'upload', source, '--json'], { env, encoding: 'utf8' });
    const download = {
      name: 'download of a large file',
      command: `${ASSET_CLI} download ${JSON.parse(uploaded).assets[0].id} -o ${quote(back)}`,
      prepare: `rm -f ${quote(back)} && sync`,
    };
    const downloads = compare(options, { ...limits, commands: [download] }, env);
    for (const path of [source, copy, back, data]) rmSync(path, { recursive: true, force: true });
    return [...uploads, ...downloads];
  },
};

/** A picture with random bytes behind it: allowed by default, and nothing that compresses. */
export function writeLargeFile({ folder, largeFileBytes }: BenchOptions): string {
  const path = join(folder, 'large.jpg');
  const file = openSync(path, 'w');
  let written = writeSync(file, readFileSync(PICTURE));
  const block = Buffer.alloc(4 * MIB);
  while (written < largeFileBytes) {
    written += writeSync(file, randomFillSync(block), 0, Math.min(block.length, largeFileBytes - written));
  }
  closeSync(file);
  return path;
}
