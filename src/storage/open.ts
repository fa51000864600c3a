import type { StorageBackend } from './backend.ts';
import type { BackendDefinition, StorageTimeouts } from './definition.ts';
import { withRetries } from './retry.ts';

/** Opens a configured backend, wrapped in retries. Only the SDK of its provider is loaded; nothing is called yet. */
export async function openBackend(definition: BackendDefinition, timeouts: StorageTimeouts): Promise<StorageBackend> {
  return withRetries(await openBare(definition, timeouts), { deadline: timeouts.deadline });
}

async function openBare(definition: BackendDefinition, timeouts: StorageTimeouts): Promise<StorageBackend> {
  switch (definition.provider) {
    case 'LOCAL':
      return (await import('./local/local-backend.ts')).openLocalBackend(definition);
    case 'AWS_S3':
      return (await import('./s3/s3-backend.ts')).openS3Backend(definition, timeouts);
    case 'GOOGLE_CLOUD_STORAGE':
      return (await import('./gcs/gcs-backend.ts')).openGcsBackend(definition, timeouts);
    case 'AZURE_BLOB':
      return (await import('./azure/azure-backend.ts')).openAzureBackend(definition, timeouts);
  }
}
