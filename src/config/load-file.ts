import { dirname } from 'node:path';
import type { AssetError } from '../core/errors.ts';
import type { ConfigPath } from './document.ts';
import { type ConfigLocation, findConfigFile } from './find-file.ts';
import type { PathBase } from './paths.ts';
import { configError, keyName } from './problems.ts';
import { readConfigFile } from './read-file.ts';
import type { FileConfig } from './schema/file.ts';
import { holdsSecret } from './secrets.ts';
import type { LoadRequest } from './settings.ts';
import { currentUser, othersCanRead } from './trust.ts';

/** A checked configuration file. */
export interface LoadedFile {
  location: ConfigLocation;
  config: FileConfig;
  /** What paths in it count from. */
  base: PathBase;
  /** It has a secret written out in it, and others may read it. */
  leaks: boolean;
  /** An error about one of its keys, found when the settings are put together. */
  error(path: ConfigPath, message: string, hint: string): AssetError;
}

/**
 * Finds, reads and checks the configuration file. The parser and the validator are loaded only if there is one.
 * @throws AssetError CONFIG_INVALID, or PATH_NOT_FOUND for `--config`
 */
export async function loadConfigFile(request: LoadRequest): Promise<LoadedFile | undefined> {
  if (request.draft !== undefined) {
    const { path, text } = request.draft;
    return checkConfig(request, { path, by: 'working-directory' }, text, false);
  }
  const location = findConfigFile(request);
  if (location === undefined) return undefined;
  const { text, stats } = await readConfigFile(location);
  return checkConfig(request, location, text, othersCanRead(stats, currentUser()));
}

async function checkConfig(
  request: LoadRequest,
  location: ConfigLocation,
  text: string,
  isOpenToOthers: boolean,
): Promise<LoadedFile> {
  const [{ parseConfig }, { validateConfig }] = await Promise.all([import('./document.ts'), import('./validate.ts')]);
  const format = location.path.endsWith('.json') ? 'json' : 'yaml';
  const rules = { env: request.env, ownVariablesOnly: location.by === 'working-directory' };
  const document = parseConfig(text, format, rules);
  if (document.problems.length > 0) throw configError(location.path, text, document.problems);
  const checked = validateConfig(document);
  if ('problems' in checked) throw configError(location.path, text, checked.problems);
  return {
    location,
    config: checked.config,
    base: { directory: dirname(location.path), env: request.env },
    leaks: isOpenToOthers && holdsSecret(checked.config, document),
    error: (path, message, hint) => {
      const offset = document.place(path)?.offset;
      return configError(location.path, text, [{ offset, key: keyName(path), message, hint }]);
    },
  };
}
