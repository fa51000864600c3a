import { homedir } from 'node:os';
import { isAbsolute } from 'node:path';

/** Absolute; undefined for a user without one. A relative or empty one would be wherever the program runs. */
export function homeDirectory(env: Readonly<Record<string, string | undefined>>): string | undefined {
  try {
    const home = env['HOME'] || homedir();
    return isAbsolute(home) ? home : undefined;
  } catch (error) {
    // a user id without an entry in the user database, as in some containers
    if (error instanceof Error && 'syscall' in error) return undefined;
    throw error;
  }
}
