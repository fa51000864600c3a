import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { variable } from './environment.ts';
import { userConfigDirectory } from './paths.ts';
import type { LoadRequest } from './settings.ts';

/** Who chose the file: `working-directory` alone may be someone else than the user. */
export interface ConfigLocation {
  path: string;
  by: 'flag' | 'environment' | 'working-directory' | 'user-directory';
  /** Others of the same name beside it, which are not read. */
  ignored?: readonly string[];
}

const EXTENSIONS = ['yaml', 'yml', 'json'];

/** The file that is named, else the nearest upward, else the user's own; undefined without any. */
export function findConfigFile({ flags, env, cwd }: LoadRequest): ConfigLocation | undefined {
  if (flags.config !== undefined) return { path: resolve(cwd, flags.config), by: 'flag' };
  const named = variable(env, 'ASSET_CLI_CONFIG');
  if (named !== undefined) return { path: resolve(cwd, named), by: 'environment' };
  for (const directory of upward(cwd)) {
    const [path, ...ignored] = existing(directory, 'asset-cli.config');
    if (path !== undefined) return { path, by: 'working-directory', ignored };
  }
  const own = userConfigDirectory(env);
  const [path, ...ignored] = own === undefined ? [] : existing(own, 'config');
  return path === undefined ? undefined : { path, by: 'user-directory', ignored };
}

function* upward(start: string): Generator<string> {
  let directory = start;
  yield directory;
  while (dirname(directory) !== directory) {
    directory = dirname(directory);
    yield directory;
  }
}

function existing(directory: string, stem: string): string[] {
  return EXTENSIONS.map((extension) => join(directory, `${stem}.${extension}`)).filter(isFile);
}

/** What cannot be looked at is not ours: a parent directory may be closed to this user. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return false;
    throw error;
  }
}
