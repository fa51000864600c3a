import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Benchmark } from './benchmark.ts';
import { ASSET_CLI, compare, quote } from './compare.ts';
import { preparedStore } from './stores.ts';

const MIB = 2 ** 20;
const LONG_AGO = '2020-01-01T00:00:00.000Z';

export const purgeLocal: Benchmark = {
  name: 'purge-local',
  target: 'purge-expired of 100,000 assets on LOCAL takes at most 2 × rm -r of the same files, in less than 150 MiB',
  async run(options) {
    const saved = await preparedStore(options.folder, 'expired', { assets: options.purged, expireAll: LONG_AGO });
    const [run, copy] = [join(options.folder, 'purge-run'), join(options.folder, 'purge-copy')];
    const figures = compare(options, {
      yardstick: {
        name: 'rm -r',
        command: `rm -r ${quote(copy)}`,
        prepare: `rm -rf ${quote(copy)} && cp -r --preserve=timestamps ${quote(join(saved, 'storage'))} ${quote(copy)} && sync`,
      },
      maxRatio: 2,
      maxPeakMemory: 150 * MIB,
      commands: [
        {
          name: `purge-expired of ${options.purged} assets`,
          command: `${ASSET_CLI} purge-expired --config ${quote(join(run, 'config.yaml'))} --all-orgs --yes --json`,
          prepare: `rm -rf ${quote(run)} && cp -r --preserve=timestamps ${quote(saved)} ${quote(run)} && sync`,
        },
      ],
    });
    for (const path of [run, copy]) rmSync(path, { recursive: true, force: true });
    return figures;
  },
};
