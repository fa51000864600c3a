import { join } from 'node:path';
import { parseDatabaseUrl } from './database-url.ts';
import { readNamed, variable } from './environment.ts';
import type { LoadedFile } from './load-file.ts';
import type { DatabaseSettings, LoadRequest, Origin } from './settings.ts';

interface ChosenDatabase {
  settings: DatabaseSettings;
  origin: Origin;
}

/** Relative paths count from the working directory in a flag and a variable, from its folder in the file. */
export function resolveDatabase(
  { flags, env, cwd }: LoadRequest,
  file: LoadedFile | undefined,
  dataDirectory: string,
): ChosenDatabase {
  const parse = (url: string) => parseDatabaseUrl(url, { directory: cwd, env });
  if (flags.database !== undefined) {
    return { settings: readNamed('--database', flags.database, parse), origin: 'flag' };
  }
  const url = variable(env, 'ASSET_CLI_DATABASE');
  if (url !== undefined) return { settings: readNamed('ASSET_CLI_DATABASE', url, parse), origin: 'environment' };
  if (file?.config.database !== undefined) {
    return { settings: parseDatabaseUrl(file.config.database, file.base), origin: 'file' };
  }
  const path = join(dataDirectory, 'assets.db');
  return { settings: { engine: 'sqlite', url: `sqlite:${path}`, path }, origin: 'default' };
}
