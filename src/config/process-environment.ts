import type { Environment } from './settings.ts';

/** The environment that this process was started with, for programs that hand in none. */
export function processEnvironment(): Environment {
  return process.env;
}

export function currentDirectory(): string {
  return process.cwd();
}
