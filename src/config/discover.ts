import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageProvider } from '../core/asset.ts';
import { homeDirectory } from '../core/home-directory.ts';
import { variable } from './environment.ts';
import { SHORT_PROVIDERS } from './providers.ts';
import type { Environment } from './settings.ts';

/** What the environment and the providers' own files offer to someone who sets the program up. No secrets. */
export interface Discovery {
  /** By the specification's STORAGE_PROVIDER. */
  provider: StorageProvider | undefined;
  localPath: string | undefined;
  s3: {
    /** AWS_ACCESS_KEY_ID and its secret are set. */
    hasKeys: boolean;
    /** Of the shared configuration and credentials files. */
    profiles: readonly { name: string; region: string | undefined }[];
    region: string | undefined;
    bucket: string | undefined;
    endpoint: string | undefined;
  };
  gcs: {
    /** The application default credentials that were found: the variable, or gcloud's file. */
    defaultCredentials: string | undefined;
    credentialsFile: string | undefined;
    bucket: string | undefined;
  };
  azure: {
    /** AZURE_STORAGE_CONNECTION_STRING is set. */
    hasConnectionString: boolean;
    account: string | undefined;
    container: string | undefined;
  };
  databases: readonly FoundDatabase[];
}

export interface FoundDatabase {
  /** The variables that it comes from. */
  source: string;
  /** Without its password. */
  url: string;
  /** It was in the url; from now on it has to be in PGPASSWORD or ~/.pgpass. */
  password: string | undefined;
}

/** Looks, and opens no connection. What cannot be read is not offered. */
export function discover(env: Environment): Discovery {
  return {
    provider: SHORT_PROVIDERS.get(variable(env, 'STORAGE_PROVIDER') ?? ''),
    localPath: variable(env, 'LOCAL_STORAGE_PATH'),
    s3: {
      hasKeys: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].every((name) => variable(env, name) !== undefined),
      profiles: awsProfiles(env),
      region: variable(env, 'AWS_REGION') ?? variable(env, 'AWS_DEFAULT_REGION'),
      bucket: variable(env, 'S3_BUCKET_NAME'),
      endpoint:
        variable(env, 'S3_ENDPOINT') ?? variable(env, 'AWS_ENDPOINT_URL_S3') ?? variable(env, 'AWS_ENDPOINT_URL'),
    },
    gcs: {
      defaultCredentials: googleCredentials(env),
      credentialsFile: variable(env, 'GCS_CREDENTIALS_PATH'),
      bucket: variable(env, 'GCS_BUCKET_NAME'),
    },
    azure: {
      hasConnectionString: variable(env, 'AZURE_STORAGE_CONNECTION_STRING') !== undefined,
      account: variable(env, 'AZURE_STORAGE_ACCOUNT'),
      container: variable(env, 'AZURE_CONTAINER_NAME'),
    },
    databases: [...databasesByUrl(env), ...databaseByParts(env)],
  };
}

function awsProfiles(env: Environment): { name: string; region: string | undefined }[] {
  const regions = new Map<string, string | undefined>();
  const read = (name: string, fallback: string) => textOf(variable(env, name) ?? inHome(env, '.aws', fallback));
  for (const text of [read('AWS_CONFIG_FILE', 'config'), read('AWS_SHARED_CREDENTIALS_FILE', 'credentials')]) {
    for (const [name, region] of profilesIn(text)) regions.set(name, regions.get(name) ?? region);
  }
  return [...regions].map(([name, region]) => ({ name, region }));
}

/** `[default]`, `[profile ci]` and, among the credentials, `[ci]`; other sections are none. */
function* profilesIn(text: string): Generator<[string, string | undefined]> {
  for (const section of text.split(/^(?=\[)/m)) {
    const name = /^\[(?:profile\s+)?([^\s\]]+)\]/.exec(section)?.[1];
    if (name !== undefined) yield [name, /^region\s*=\s*(\S+)/m.exec(section)?.[1]];
  }
}

function googleCredentials(env: Environment): string | undefined {
  const named = variable(env, 'GOOGLE_APPLICATION_CREDENTIALS');
  if (named !== undefined) return `GOOGLE_APPLICATION_CREDENTIALS (${named})`;
  const file = inHome(env, '.config', 'gcloud', 'application_default_credentials.json');
  return textOf(file) === '' ? undefined : `gcloud's application default credentials`;
}

function* databasesByUrl(env: Environment): Generator<FoundDatabase> {
  for (const source of ['ASSET_CLI_DATABASE', 'DATABASE_URL']) {
    const text = variable(env, source);
    const found = text === undefined ? undefined : withoutPassword(text);
    if (found !== undefined) yield { source, ...found };
  }
}

/** Takes the password out of a `postgres://` url; undefined for what is none. */
export function withoutPassword(text: string): { url: string; password: string | undefined } | undefined {
  if (!/^postgres(?:ql)?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  let password = url.password === '' ? null : decodeURIComponent(url.password);
  url.password = '';
  changeParameters(url, (parameters) => {
    password ??= parameters.get('password');
    parameters.delete('password');
  });
  return { url: url.href, password: password ?? undefined };
}

function* databaseByParts(env: Environment): Generator<FoundDatabase> {
  const [host, name] = [variable(env, 'PGHOST'), variable(env, 'PGDATABASE')];
  if (host === undefined && name === undefined) return;
  const url = new URL('postgres:///');
  url.pathname = encodeURIComponent(name ?? '');
  // A socket's directory cannot be the host of an url.
  if (host === undefined || host.startsWith('/')) setParameters(url, { host, user: variable(env, 'PGUSER') });
  else {
    url.hostname = host;
    url.port = variable(env, 'PGPORT') ?? '';
    url.username = variable(env, 'PGUSER') ?? '';
  }
  yield { source: 'PGHOST, PGDATABASE, …', url: url.href, password: undefined };
}

function setParameters(url: URL, parameters: Record<string, string | undefined>): void {
  changeParameters(url, (own) => {
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined) own.set(name, value);
  });
}

/** As libpq reads and writes them, which takes a plus for one: a form, and so `searchParams`, takes it for a blank. */
function changeParameters(url: URL, change: (parameters: URLSearchParams) => void): void {
  url.search = url.search.replaceAll('+', '%2B');
  change(url.searchParams);
  url.search = url.search.replaceAll('+', '%20');
}

function inHome(env: Environment, ...path: string[]): string | undefined {
  const home = homeDirectory(env);
  return home === undefined ? undefined : join(home, ...path);
}

function textOf(path: string | undefined): string {
  if (path === undefined) return '';
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return '';
    throw error;
  }
}
