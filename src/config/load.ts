import { AssetError } from '../core/errors.ts';
import { parseSize } from '../core/size.ts';
import { resolveAssetTypes } from './asset-types.ts';
import { resolveBackends, resolveDefaultBackend } from './backends.ts';
import { resolveCdnDomains } from './cdn.ts';
import { resolveDatabase } from './database.ts';
import {
  DEFAULT_ALLOWED_MIME_TYPES,
  DEFAULT_CONNECT_TIMEOUT,
  DEFAULT_DEADLINE,
  DEFAULT_LEASE,
  DEFAULT_MAX_FILE_SIZE,
  DEFAULT_TRASH_RETENTION,
} from './defaults.ts';
import { readNamed, variable } from './environment.ts';
import { resolveIdentity } from './identity.ts';
import { resolveImages } from './images.ts';
import { loadConfigFile } from './load-file.ts';
import { dataDirectory } from './paths.ts';
import { resolveScan } from './scan.ts';
import type { FileConfig } from './schema/file.ts';
import { resolveServe } from './serve.ts';
import type { ContentLimits, Environment, LoadedSettings, LoadRequest, Settings } from './settings.ts';
import { warningsAbout } from './warnings.ts';

/**
 * Puts the settings of one run together: flag, then environment, then configuration file, then default.
 * Reads the configuration file alone; opens and makes nothing.
 * @throws AssetError CONFIG_INVALID for the file and the environment, USAGE for a flag, PATH_NOT_FOUND for a file named by `--config`
 */
export async function loadSettings(request: LoadRequest): Promise<LoadedSettings> {
  const file = await loadConfigFile(request);
  const directory = dataDirectory({ directory: request.cwd, env: request.env });
  const database = resolveDatabase(request, file, directory);
  const backends = resolveBackends(request, file, directory);
  const defaultBackend = resolveDefaultBackend(request, file, backends);
  const config = file?.config;
  const settings: Settings = {
    database: database.settings,
    defaultBackend: defaultBackend.name,
    backends,
    identity: resolveIdentity(request, config?.identity, database.settings.engine),
    limits: resolveLimits(request.env, config?.limits),
    assetTypes: resolveAssetTypes(file),
    content: {
      images: resolveImages(config?.images),
      compress: config?.content?.compress ?? 'auto',
      cdnDomains: resolveCdnDomains(request.env, file, backends),
    },
    scan: resolveScan(file),
    serve: resolveServe(config?.serve),
    timeouts: {
      connect: config?.timeouts?.connect ?? DEFAULT_CONNECT_TIMEOUT,
      deadline: config?.timeouts?.deadline ?? DEFAULT_DEADLINE,
    },
    leases: { duration: config?.leases?.duration ?? DEFAULT_LEASE },
    retention: new Map(Object.entries(config?.retention ?? {})),
    trash: {
      enabled: config?.trash?.enabled ?? false,
      retention: config?.trash?.retention ?? DEFAULT_TRASH_RETENTION,
    },
    dataDirectory: directory,
    sources: {
      configFile: file?.location.path ?? null,
      foundInWorkingDirectory: file?.location.by === 'working-directory',
      database: database.origin,
      defaultBackend: defaultBackend.origin,
    },
  };
  return { settings, warnings: file === undefined ? [] : warningsAbout(file, settings) };
}

/** The specification's MAX_FILE_SIZE sets the default: what a file says goes before it. */
function resolveLimits(env: Environment, file: FileConfig['limits']): ContentLimits {
  const largest = variable(env, 'MAX_FILE_SIZE');
  return {
    maxFileSize: file?.maxFileSize ?? (largest === undefined ? DEFAULT_MAX_FILE_SIZE : maxFileSize(largest)),
    allowedMimeTypes: new Set(file?.allowedMimeTypes ?? DEFAULT_ALLOWED_MIME_TYPES),
  };
}

function maxFileSize(text: string): number {
  return readNamed('MAX_FILE_SIZE', text, (value) => {
    const bytes = parseSize(value);
    if (bytes > 0) return bytes;
    throw new AssetError('USAGE', 'the largest file cannot be empty', { hint: 'Write a size: 50MiB.' });
  });
}
