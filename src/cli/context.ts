import { type World as ComposedWorld, composeWorld } from '../composition.ts';
import type { Setup } from './context/setup.ts';
import type { GlobalOptions } from './globals.ts';
import { type Host, workingDirectory } from './host.ts';

export type { ContextOptions } from '../composition.ts';

export interface World extends Omit<ComposedWorld, 'contextFrom'> {
  /** For a configuration that is yet to be written. */
  setup(): Promise<Setup>;
}

/** The world of one command: what its flags and its environment say. */
export function createWorld(
  host: Host,
  globals: GlobalOptions,
  signal: AbortSignal,
  warn: (message: string) => void,
): World {
  const { config, database, as, org, role, backend } = globals;
  const flags = { config, database, as, org, role, backend };
  const world = composeWorld({ flags, env: host.env, cwd: workingDirectory(host), signal, warn });
  return {
    ...world,
    async setup() {
      const { createSetup } = await import('./context/setup.ts');
      return createSetup(host, globals, world.contextFrom);
    },
  };
}
