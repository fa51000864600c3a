import { isAbsolute, join, resolve } from 'node:path';
import { AssetError } from '../core/errors.ts';
import { homeDirectory } from '../core/home-directory.ts';
import { variable } from './environment.ts';
import type { Environment } from './settings.ts';

/** What paths in flags, variables and files count from. */
export interface PathBase {
  /** Absolute. */
  directory: string;
  env: Environment;
}

/** Absolute; `~/` is the home directory, because no shell has expanded it in a file or behind `sqlite:`. */
export function resolvePath(path: string, base: PathBase): string {
  if (path !== '~' && !path.startsWith('~/')) return resolve(base.directory, path);
  return join(requireHome(base.env, `"${path}"`), path.slice(1));
}

/**
 * `ASSET_CLI_HOME`, else `$XDG_DATA_HOME/asset-cli`, else `~/.local/share/asset-cli`.
 * @throws AssetError CONFIG_INVALID without a home directory
 */
export function dataDirectory(base: PathBase): string {
  const own = variable(base.env, 'ASSET_CLI_HOME');
  if (own !== undefined) return resolvePath(own, base);
  const parent = xdgDirectory(base.env, 'XDG_DATA_HOME');
  if (parent !== undefined) return join(parent, 'asset-cli');
  return join(requireHome(base.env, 'The data directory'), '.local', 'share', 'asset-cli');
}

/** Where a user keeps configurations; undefined for a user without a home directory. */
export function userConfigDirectory(env: Environment): string | undefined {
  const parent = xdgDirectory(env, 'XDG_CONFIG_HOME');
  if (parent !== undefined) return join(parent, 'asset-cli');
  const home = homeDirectory(env);
  return home === undefined ? undefined : join(home, '.config', 'asset-cli');
}

/** The XDG Base Directory Specification has relative paths ignored. */
function xdgDirectory(env: Environment, name: string): string | undefined {
  const path = variable(env, name);
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

function requireHome(env: Environment, what: string): string {
  const home = homeDirectory(env);
  if (home !== undefined) return home;
  throw new AssetError('CONFIG_INVALID', `${what} needs a home directory, and this user has none`, {
    hint: 'Set ASSET_CLI_HOME to a directory for the data.',
  });
}
