import { composeWorld, type World } from '../composition.ts';
import type { GlobalOptions } from './globals.ts';
import type { Host } from './host.ts';

export type { ContextOptions } from '../composition.ts';

/** The world of one command: what its flags and its environment say. */
export function createWorld(
  host: Host,
  globals: GlobalOptions,
  signal: AbortSignal,
  warn: (message: string) => void,
): World {
  const { config, database, as, org, role, backend } = globals;
  const flags = { config, database, as, org, role, backend };
  return composeWorld({ flags, env: host.env, cwd: host.cwd(), signal, warn });
}
