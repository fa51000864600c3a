import type { StorageBackend } from './backend.ts';
import type { BackendDefinition, StorageTimeouts } from './definition.ts';
import { withRetries } from './retry.ts';
import { StorageError } from './storage-error.ts';

/** Opens a configured backend, wrapped in retries. Only the SDK of its provider is loaded; nothing is called yet. */
export async function openBackend(definition: BackendDefinition, timeouts: StorageTimeouts): Promise<StorageBackend> {
  return withRetries(await openBare(definition), { deadline: timeouts.deadline });
}

async function openBare(definition: BackendDefinition): Promise<StorageBackend> {
  if (definition.provider === 'LOCAL') return (await import('./local/local-backend.ts')).openLocalBackend(definition);
  const message = `the provider ${definition.provider} is not built yet`;
  throw new StorageError('UNSUPPORTED', message, { backend: definition.name });
}
