import type { Benchmark } from './benchmark.ts';
import { ASSET_CLI, compare } from './compare.ts';

export const startup: Benchmark = {
  name: 'startup',
  target: '--version and --help take at most 1.3 × node -e 0',
  async run(options) {
    const commands = ['--version', '--help'].map((option) => ({ name: option, command: `${ASSET_CLI} ${option}` }));
    const runs = options.runs * 3; // short commands: more of them for the same time
    return compare(
      { ...options, runs },
      { yardstick: { name: 'node -e 0', command: 'node -e 0' }, maxRatio: 1.3, commands },
    );
  },
};
