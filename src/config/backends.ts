import { join } from 'node:path';
import { suggest } from '../core/nearest.ts';
import { BUILT_IN_BACKEND, ENVIRONMENT_BACKEND } from './defaults.ts';
import { namedError, variable } from './environment.ts';
import { environmentBackend } from './environment-backend.ts';
import type { LoadedFile } from './load-file.ts';
import { resolvePath } from './paths.ts';
import type { FileBackend } from './schema/backends.ts';
import type { BackendSettings, LoadRequest, Origin } from './settings.ts';

type Backends = ReadonlyMap<string, BackendSettings>;

/** Those of the file, then the specification's `default` of the environment; the built-in one where neither has any. */
export function resolveBackends(request: LoadRequest, file: LoadedFile | undefined, dataDirectory: string): Backends {
  const storage = join(dataDirectory, 'storage');
  const backends = file === undefined ? new Map<string, BackendSettings>() : fileBackends(file, storage);
  if (!backends.has(ENVIRONMENT_BACKEND)) {
    const defined = environmentBackend(request, storage);
    if (defined !== undefined) backends.set(defined.name, defined);
  }
  if (backends.size === 0) {
    backends.set(BUILT_IN_BACKEND, { name: BUILT_IN_BACKEND, provider: 'LOCAL', path: storage });
  }
  return backends;
}

function fileBackends(file: LoadedFile, storage: string): Map<string, BackendSettings> {
  const backends = new Map<string, BackendSettings>();
  const directories = new Map<string, string>();
  for (const [name, written] of Object.entries(file.config.backends ?? {})) {
    const backend = complete(name, written, file, storage);
    if (backend.provider === 'LOCAL') {
      const twin = directories.get(backend.path);
      if (twin !== undefined) throw sameDirectory(file, name, twin);
      directories.set(backend.path, name);
    }
    backends.set(name, backend);
  }
  return backends;
}

function complete(name: string, backend: FileBackend, file: LoadedFile, storage: string): BackendSettings {
  if (backend.provider === 'LOCAL') {
    return { ...backend, name, path: backend.path === undefined ? storage : resolvePath(backend.path, file.base) };
  }
  if (backend.provider === 'GOOGLE_CLOUD_STORAGE' && backend.credentialsFile !== undefined) {
    return { ...backend, name, credentialsFile: resolvePath(backend.credentialsFile, file.base) };
  }
  if (
    backend.provider === 'AZURE_BLOB' &&
    (backend.account ?? backend.connectionString ?? backend.endpoint) === undefined
  ) {
    const hint = 'Add "account" (credentials from the environment), "connectionString" or "endpoint".';
    throw file.error(['backends', name], `backends.${name} names no storage account`, hint);
  }
  return { ...backend, name };
}

function sameDirectory(file: LoadedFile, name: string, twin: string): Error {
  const message = `backends.${name} has the same directory as backends.${twin}`;
  return file.error(['backends', name], message, 'Give each LOCAL backend a path of its own.');
}

/**
 * Where uploads go: the flag, the variable, the file; else the only backend of the file or its `default`,
 * before that of the environment and the built-in one.
 */
export function resolveDefaultBackend(
  { flags, env }: LoadRequest,
  file: LoadedFile | undefined,
  backends: Backends,
): { name: string; origin: Origin } {
  const names = [...backends.keys()];
  const written = file?.config.defaultBackend;
  if (written !== undefined && !backends.has(written)) {
    const message = 'defaultBackend names a backend that is not defined';
    throw file?.error(['defaultBackend'], message, suggest(written, names));
  }
  const variableValue = variable(env, 'ASSET_CLI_BACKEND');
  if (flags.backend !== undefined) return { name: defined('--backend', flags.backend, names), origin: 'flag' };
  if (variableValue !== undefined) {
    return { name: defined('ASSET_CLI_BACKEND', variableValue, names), origin: 'environment' };
  }
  if (written !== undefined) return { name: written, origin: 'file' };
  return { name: only(file, names), origin: 'default' };
}

function defined(source: string, name: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  throw namedError(source, `there is no backend "${name}"`, suggest(name, names));
}

function only(file: LoadedFile | undefined, names: readonly string[]): string {
  const own = Object.keys(file?.config.backends ?? {});
  const candidates = own.length === 0 ? names : own;
  const [first, ...others] = candidates;
  if (first !== undefined && others.length === 0) return first;
  if (candidates.includes(ENVIRONMENT_BACKEND)) return ENVIRONMENT_BACKEND;
  const hint = `Add defaultBackend with one of them: ${candidates.join(', ')}.`;
  throw file?.error(['backends'], 'there are several backends, and none of them is the default', hint);
}
