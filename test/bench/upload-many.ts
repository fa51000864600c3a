import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Benchmark, BenchOptions } from './benchmark.ts';
import { ASSET_CLI, compare, dataFolder, quote } from './compare.ts';

const MIB = 2 ** 20;

export const uploadMany: Benchmark = {
  name: 'upload-many',
  target: 'upload of 10,000 text files of 10 KiB takes at most 2.5 × rclone copy + sync, in less than 200 MiB',
  async run(options) {
    const source = writeFiles(options);
    const [data, copy] = [quote(dataFolder(options)), quote(join(options.folder, 'copy'))];
    return compare(options, {
      yardstick: {
        name: 'rclone copy + sync',
        command: `rclone copy ${quote(source)} ${copy} && sync`,
        prepare: `rm -rf ${copy} && sync`,
      },
      maxRatio: 2.5,
      maxPeakMemory: 200 * MIB,
      commands: [
        {
          name: `upload ${options.files} files`,
          command: `${ASSET_CLI} upload ${quote(source)}`,
          prepare: `rm -rf ${data} && sync`,
        },
      ],
    });
  },
};

export const uploadCompressed: Benchmark = {
  name: 'upload-compressed',
  target: 'upload of 10,000 compressible files of 10 KiB takes at most 1.3 × the time without compression',
  async run(options) {
    const source = writeFiles(options);
    const data = quote(dataFolder(options));
    const prepare = `rm -rf ${data} && sync`;
    const command = `${ASSET_CLI} upload ${quote(source)}`;
    return compare(options, {
      yardstick: { name: 'upload --no-compress', command: `${command} --no-compress`, prepare },
      maxRatio: 1.3,
      commands: [{ name: `upload ${options.files} compressed`, command, prepare }],
    });
  },
};

/** The folders below it that the files are in, evenly. */
export const PARTS: readonly string[] = Array.from({ length: 20 }, (_, index) => `part-${index}`);

/** Text that differs from file to file and from line to line. */
export function writeFiles({ folder, files, fileBytes }: Pick<BenchOptions, 'folder' | 'files' | 'fileBytes'>): string {
  const source = join(folder, 'many');
  rmSync(source, { recursive: true, force: true });
  for (let index = 0; index < files; index += 1) {
    const below = join(source, PARTS[index % PARTS.length] ?? '');
    if (index < PARTS.length) mkdirSync(below, { recursive: true });
    const line = `${index} ${((index * 2654435761) % 2 ** 32).toString(36)} what a report says, line after line\n`;
    writeFileSync(
      join(below, `report-${index}.txt`),
      line.repeat(Math.ceil(fileBytes / line.length)).slice(0, fileBytes),
    );
  }
  return source;
}
