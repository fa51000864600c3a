import type { AzureDefinition } from '../definition.ts';
import { StorageError } from '../storage-error.ts';

/** How an account is reached and who we are there. */
export interface AzureAccount {
  name: string;
  /** `https://acme.blob.core.windows.net` */
  origin: string;
  /** Before the container: empty, or `/account` for an emulator. */
  path: string;
  access:
    | { kind: 'key'; key: Buffer }
    | { kind: 'sas'; query: Readonly<Record<string, string>> }
    /** The chain of the Azure SDK: environment, workload identity, managed identity, Azure CLI … */
    | { kind: 'token' };
}

/** @throws StorageError CREDENTIALS if the definition does not say how to reach an account */
export function resolveAccount(definition: AzureDefinition): AzureAccount {
  const settings = readConnectionString(definition.connectionString ?? '');
  const endpoint = definition.endpoint ?? settings.get('blobendpoint');
  const name = settings.get('accountname') ?? definition.account ?? accountOf(endpoint);
  if (name === undefined) throw unusable(definition, 'no account is configured');
  const url = new URL(endpoint ?? defaultEndpoint(name, settings));
  const path = url.pathname.replace(/\/$/, '');
  return { name, origin: url.origin, path, access: accessOf(definition, settings) };
}

/** `Name=Value;…`; values may hold `=` themselves. Names in lower case. */
function readConnectionString(text: string): Map<string, string> {
  const pairs = text.split(';').filter((part) => part.includes('='));
  return new Map(
    pairs.map((part): [string, string] => {
      const split = part.indexOf('=');
      return [part.slice(0, split).trim().toLowerCase(), part.slice(split + 1).trim()];
    }),
  );
}

function defaultEndpoint(name: string, settings: Map<string, string>): string {
  const suffix = settings.get('endpointsuffix') ?? 'core.windows.net';
  return `${settings.get('defaultendpointsprotocol') ?? 'https'}://${name}.blob.${suffix}`;
}

function accountOf(endpoint: string | undefined): string | undefined {
  return endpoint === undefined ? undefined : new URL(endpoint).hostname.split('.')[0];
}

function accessOf(definition: AzureDefinition, settings: Map<string, string>): AzureAccount['access'] {
  const key = settings.get('accountkey');
  if (key !== undefined) return { kind: 'key', key: Buffer.from(key, 'base64') };
  const signature = settings.get('sharedaccesssignature');
  if (signature !== undefined) return { kind: 'sas', query: Object.fromEntries(new URLSearchParams(signature)) };
  if (definition.connectionString === undefined) return { kind: 'token' };
  throw unusable(definition, 'the connection string has neither AccountKey nor SharedAccessSignature');
}

function unusable(definition: AzureDefinition, message: string): StorageError {
  return new StorageError('CREDENTIALS', message, { backend: definition.name });
}
