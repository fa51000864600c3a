import { randomUUID } from 'node:crypto';
import type { CatalogContext } from './catalog.ts';

/** As a migration leaves one behind: a copy of what is stored under a key, in the backend "old". */
export async function keepFormerCopy(context: CatalogContext, storagePath: string): Promise<void> {
  await context.query(
    context.url(),
    `insert into objects (id, organization_id, backend, storage_provider, storage_path, size, sha256, stored_size,
       etag, is_public, state, retain_until, created_at, updated_at)
     select '${randomUUID()}', organization_id, 'old', storage_provider, storage_path, size, sha256, stored_size,
       etag, is_public, 'RETAINED', '2040-01-01T00:00:00.000Z', created_at, updated_at
     from objects where storage_path = '${storagePath}'`,
  );
}
