import { type AzureConnection, readAzureConnection } from '../../core/azure-connection.ts';
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

/**
 * @throws StorageError CREDENTIALS if the definition does not say how to reach an account
 * @throws AssetError CONFIG_INVALID if its connection string is none
 */
export function resolveAccount(definition: AzureDefinition): AzureAccount {
  const { connectionString } = definition;
  const connection = connectionString === undefined ? undefined : readAzureConnection(connectionString);
  const endpoint = definition.endpoint ?? connection?.endpoint;
  const name = connection?.account ?? definition.account ?? accountOf(endpoint);
  if (name === undefined) throw unusable(definition, 'no account is configured');
  const url = new URL(endpoint ?? `https://${name}.blob.core.windows.net`);
  const path = url.pathname.replace(/\/$/, '');
  return { name, origin: url.origin, path, access: accessOf(definition, connection) };
}

function accountOf(endpoint: string | undefined): string | undefined {
  return endpoint === undefined ? undefined : new URL(endpoint).hostname.split('.')[0];
}

function accessOf(definition: AzureDefinition, connection: AzureConnection | undefined): AzureAccount['access'] {
  if (connection === undefined) return { kind: 'token' };
  const { key, signature } = connection;
  if (key !== undefined) return { kind: 'key', key: Buffer.from(key, 'base64') };
  if (signature !== undefined) return { kind: 'sas', query: Object.fromEntries(new URLSearchParams(signature)) };
  throw unusable(definition, 'the connection string has neither AccountKey nor SharedAccessSignature');
}

function unusable(definition: AzureDefinition, message: string): StorageError {
  return new StorageError('CREDENTIALS', message, { backend: definition.name });
}
