import { join } from 'node:path';
import type { Benchmark } from './benchmark.ts';
import { ASSET_CLI, compare, quote } from './compare.ts';
import { preparedStore } from './stores.ts';

const MIB = 2 ** 20;

export const verifyLocal: Benchmark = {
  name: 'verify-local',
  target: 'verify of 1,000,000 objects on LOCAL takes at most 2 × find -printf of the tree, in less than 200 MiB',
  async run(options) {
    const store = await preparedStore(options.folder, 'whole', { assets: options.assets });
    return compare(options, {
      yardstick: {
        name: 'find -printf',
        command: `find ${quote(join(store, 'storage'))} -type f -printf '%p %s %T@\\n' > /dev/null`,
      },
      maxRatio: 2,
      maxPeakMemory: 200 * MIB,
      commands: [
        {
          name: `verify of ${options.assets} assets`,
          command: `${ASSET_CLI} verify --config ${quote(join(store, 'config.yaml'))} --all-orgs --json`,
        },
      ],
    });
  },
};
