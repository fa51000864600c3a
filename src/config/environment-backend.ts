import { readAzureConnection } from '../core/azure-connection.ts';
import { AssetError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import { ENVIRONMENT_BACKEND } from './defaults.ts';
import { ENDPOINT_FORM, isEndpoint } from './endpoint.ts';
import { namedError, variable } from './environment.ts';
import { resolvePath } from './paths.ts';
import { SHORT_PROVIDERS } from './providers.ts';
import type { BackendSettings, LoadRequest } from './settings.ts';

/**
 * The backend `default` that the specification's variables define: STORAGE_PROVIDER says which,
 * LOCAL_STORAGE_PATH alone is enough for LOCAL. undefined if neither is set.
 * @throws AssetError CONFIG_INVALID
 */
export function environmentBackend({ env, cwd }: LoadRequest, storage: string): BackendSettings | undefined {
  const name = ENVIRONMENT_BACKEND;
  const localPath = variable(env, 'LOCAL_STORAGE_PATH');
  const word = variable(env, 'STORAGE_PROVIDER') ?? (localPath === undefined ? undefined : 'LOCAL');
  if (word === undefined) return undefined;
  const provider = SHORT_PROVIDERS.get(word);
  const base = { directory: cwd, env };
  const needs = (variableName: string) => needed(env, word, variableName);
  switch (provider) {
    case undefined:
      throw namedError('STORAGE_PROVIDER', `"${word}" is unknown`, suggest(word, [...SHORT_PROVIDERS.keys()]));
    case 'LOCAL':
      return { name, provider, path: localPath === undefined ? storage : resolvePath(localPath, base) };
    case 'AWS_S3': {
      const address = endpoint(env, 'S3_ENDPOINT');
      const bucket = needs('S3_BUCKET_NAME');
      // other stores seldom have a host name for each bucket, and every one of them takes it in the path
      return address === undefined
        ? { name, provider, bucket }
        : { name, provider, bucket, endpoint: address, forcePathStyle: true };
    }
    case 'GOOGLE_CLOUD_STORAGE': {
      const credentials = variable(env, 'GCS_CREDENTIALS_PATH');
      const credentialsFile = credentials === undefined ? undefined : resolvePath(credentials, base);
      return { name, provider, bucket: needs('GCS_BUCKET_NAME'), credentialsFile };
    }
    case 'AZURE_BLOB': {
      const connectionString = connection(env, 'AZURE_STORAGE_CONNECTION_STRING');
      const account = connectionString === undefined ? needs('AZURE_STORAGE_ACCOUNT') : undefined;
      return { name, provider, container: needs('AZURE_CONTAINER_NAME'), account, connectionString };
    }
  }
}

function needed(env: LoadRequest['env'], provider: string, name: string): string {
  const value = variable(env, name);
  if (value !== undefined) return value;
  throw namedError('STORAGE_PROVIDER', `${provider} needs ${name}, which is not set`, `Set ${name}.`);
}

function endpoint(env: LoadRequest['env'], name: string): string | undefined {
  const value = variable(env, name);
  if (value === undefined || isEndpoint(value)) return value;
  throw namedError(name, 'this is not an endpoint', ENDPOINT_FORM);
}

function connection(env: LoadRequest['env'], name: string): string | undefined {
  const value = variable(env, name);
  if (value === undefined) return undefined;
  try {
    readAzureConnection(value);
    return value;
  } catch (error) {
    if (error instanceof AssetError) throw namedError(name, error.message, error.hint ?? '');
    throw error;
  }
}
