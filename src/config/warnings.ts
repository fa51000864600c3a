import { redactUrl } from '../core/redact.ts';
import type { LoadedFile } from './load-file.ts';
import type { BackendSettings, Settings } from './settings.ts';

/** What a user should know about the file, one line each. */
export function warningsAbout(file: LoadedFile, settings: Settings): string[] {
  return [...foreignAddresses(file, settings), ...(file.leaks ? [leak(file)] : []), ...ignoredFiles(file)];
}

function ignoredFiles({ location }: LoadedFile): string[] {
  return (location.ignored ?? []).map((other) => `${other} is not read: ${location.path} goes before it`);
}

/** A file from a working directory may be someone else's: nothing goes to addresses of its choice unnoticed. */
function foreignAddresses(file: LoadedFile, settings: Settings): string[] {
  if (file.location.by !== 'working-directory') return [];
  const database = settings.sources.database === 'file' ? [`the database ${redactUrl(settings.database.url)}`] : [];
  const endpoints = [...settings.backends.values()].flatMap((backend) => {
    const address = Object.hasOwn(file.config.backends ?? {}, backend.name) ? endpointOf(backend) : undefined;
    return address === undefined ? [] : [`the endpoint ${address} of the backend ${backend.name}`];
  });
  const set = [...database, ...endpoints, ...scannerAddress(file, settings), ...publicUrl(file)];
  return set.length === 0 ? [] : [`${file.location.path}, found in the working directory, sets ${set.join(', ')}`];
}

/** Whoever uses a signed URL sends its signature there. */
function publicUrl({ config }: LoadedFile): string[] {
  const url = config.serve?.publicUrl;
  return url === undefined ? [] : [`the public URL ${url} of serve`];
}

/** Every file is sent to the scanner. */
function scannerAddress(file: LoadedFile, { scan }: Settings): string[] {
  if (file.config.scan?.clamd === undefined || 'socket' in scan.clamd) return [];
  return [`the virus scanner at ${scan.clamd.host}:${scan.clamd.port}`];
}

function endpointOf(backend: BackendSettings): string | undefined {
  if (backend.provider === 'LOCAL') return undefined;
  if (backend.provider === 'GOOGLE_CLOUD_STORAGE') return backend.apiEndpoint;
  if (backend.endpoint !== undefined || backend.provider === 'AWS_S3') return backend.endpoint;
  return backend.connectionString === undefined ? undefined : 'in the connection string';
}

function leak(file: LoadedFile): string {
  return `${file.location.path} holds a secret and can be read by other users: chmod 600 it, or take the secret from the environment with \${…}`;
}
