/** The library: the same operations as the command line's, for programs (docs/library.md). */
import { setMaxListeners } from 'node:events';
import { resolve } from 'node:path';
import { composeWorld } from './composition.ts';
import { currentDirectory, processEnvironment } from './config/process-environment.ts';
import { createAssets } from './library/assets.ts';
import { checkOpen } from './library/check-input.ts';
import type { Assets, OpenAssetsOptions } from './library/types.ts';

export type { Asset, AssetStatus, ScanStatus, StorageProvider, Tags } from './core/asset.ts';
export { AssetError, type ErrorCode } from './core/errors.ts';
export type { Role } from './core/identity.ts';
export type * from './library/types.ts';

/**
 * Opens an organisation's stored files with the settings that the command line would use: options, then
 * the environment, then the configuration file, then defaults.
 * @throws AssetError CONFIG_INVALID, USAGE, PATH_NOT_FOUND
 */
export async function openAssets(options: OpenAssetsOptions = {}): Promise<Assets> {
  checkOpen(options);
  const directory = resolve(options.directory ?? currentDirectory());
  const world = composeWorld({
    flags: flagsOf(options),
    env: options.environment ?? processEnvironment(),
    cwd: directory,
    signal: sharedSignal(options.signal),
    warn: options.onWarning ?? (() => undefined),
  });
  return createAssets(await world.context({ stores: true }), directory, () => world.close());
}

/** Any number of calls may listen to it at once without a warning that Node would print. */
function sharedSignal(own = new AbortController().signal): AbortSignal {
  const signal = AbortSignal.any([own]);
  setMaxListeners(0, signal);
  return signal;
}

function flagsOf({ config, database, backend, user, organization, role }: OpenAssetsOptions) {
  return { config, database, backend, as: user === null ? '-' : user, org: organization, role };
}
