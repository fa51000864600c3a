import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { photographSeries } from '../support/images.ts';
import type { Benchmark, BenchOptions } from './benchmark.ts';
import { ASSET_CLI, compare, dataFolder, quote } from './compare.ts';

const MIB = 2 ** 20;
const MOST_PHOTOGRAPHS = 200;
const FILES_A_PHOTOGRAPH = 5;

export const photographs: Benchmark = {
  name: 'photographs',
  target: '200 photographs of 12 megapixels take at most 1.2 × sharp doing the same work on both cores, in 400 MiB',
  async run(options) {
    const source = await writePhotographs(options);
    const copy = join(options.folder, 'photographs-out');
    const data = quote(dataFolder(options));
    return compare(options, {
      yardstick: {
        name: 'sharp alone',
        command: `node ${quote(writeYardstick(options))} ${quote(source)} ${quote(copy)} && sync`,
        prepare: `rm -rf ${quote(copy)} && mkdir ${quote(copy)} && sync`,
      },
      maxRatio: 1.2,
      maxPeakMemory: 400 * MIB,
      commands: [
        {
          name: 'upload of photographs',
          command: `${ASSET_CLI} upload ${quote(source)} --type USER_AVATAR`,
          prepare: `rm -rf ${data} && sync`,
        },
      ],
    });
  },
};

/** Each another picture, for equal ones would be recognised. */
async function writePhotographs({ folder, files }: BenchOptions): Promise<string> {
  const source = join(folder, 'photographs');
  rmSync(source, { recursive: true, force: true });
  mkdirSync(source, { recursive: true });
  const count = Math.min(Math.ceil(files / FILES_A_PHOTOGRAPH), MOST_PHOTOGRAPHS);
  let index = 0;
  for await (const photograph of photographSeries(4000, 3000, count)) {
    writeFileSync(join(source, `${index}.jpg`), photograph);
    index += 1;
  }
  return source;
}

/** What the profile of avatars asks for, two at once, and nothing else. */
function writeYardstick({ folder }: BenchOptions): string {
  const path = join(folder, 'sharp-alone.mjs');
  const sharp = pathToFileURL(createRequire(import.meta.url).resolve('sharp'));
  writeFileSync(
    path,
    `import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp from ${JSON.stringify(sharp.href)};
const [source, target] = process.argv.slice(2);
const files = readdirSync(source);
async function work() {
  for (let file = files.pop(); file !== undefined; file = files.pop()) {
    await sharp(join(source, file))
      .autoOrient()
      .resize(512, 512, { fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 82 })
      .toFile(join(target, file));
  }
}
await Promise.all([work(), work()]);
`,
  );
  return path;
}
