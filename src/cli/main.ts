import manifest from '../../package.json' with { type: 'json' };
import type { Host } from './host.ts';

/**
 * Runs one command line and returns the exit status. Everything that takes time to load is behind
 * the import: `--version` is answered without it.
 * @param argv without node and the script
 */
export async function main(argv: readonly string[], host: Host): Promise<number> {
  const asksVersion = argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V');
  if (asksVersion) {
    host.stdout.write(`${manifest.version}\n`);
    return 0;
  }
  const { run } = await import('./run.ts');
  return run(argv, host, manifest.version);
}
