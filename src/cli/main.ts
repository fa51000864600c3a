import manifest from '../../package.json' with { type: 'json' };
import type { Host } from './host.ts';

/**
 * Runs one command line and returns the exit status. Everything that takes time to load is behind
 * the last import: `--version` and the top-level help are answered without it.
 * @param argv without node and the script
 */
export async function main(argv: readonly string[], host: Host): Promise<number> {
  const asksVersion = argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V');
  if (asksVersion) {
    return print(host, `${manifest.version}\n`);
  }
  const asksHelp = argv.length === 0 || (argv.length === 1 && (argv[0] === '--help' || argv[0] === '-h'));
  if (asksHelp) {
    const { TOP_LEVEL_HELP } = await import('./help/top-level.ts');
    return print(host, TOP_LEVEL_HELP);
  }
  const { run } = await import('./run.ts');
  return run(argv, host, manifest.version);
}

/** A reader that is gone is a quiet end; output that cannot be written may work later (8). */
function print({ stdout }: Host, text: string): Promise<number> {
  return new Promise((resolve) => {
    stdout.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EPIPE' ? 0 : 8));
    stdout.write(text, (error) => {
      if (error == null) resolve(0);
    });
  });
}
