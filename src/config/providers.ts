import type { StorageProvider } from '../core/asset.ts';

/** The names that the specification's variable STORAGE_PROVIDER has for them. */
export const SHORT_PROVIDERS: ReadonlyMap<string, StorageProvider> = new Map([
  ['LOCAL', 'LOCAL'],
  ['GCS', 'GOOGLE_CLOUD_STORAGE'],
  ['S3', 'AWS_S3'],
  ['AZURE', 'AZURE_BLOB'],
]);
