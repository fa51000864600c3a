import type { Indexes } from './migration.ts';

const COLUMNS = 'created_at, id, status, expires_sort, file_size, original_filename';

/**
 * What lists look at is a key of the indexes of creation: what a key excludes is passed over without fetching its row,
 * which PostgreSQL does not do for a column that is only included.
 */
export const creationKeysPostgres: Indexes = {
  assets_by_creation: `ON assets (organization_id, ${COLUMNS})`,
  assets_all_creation: `ON assets (${COLUMNS}) WHERE (organization_id || '') > ''`,
};

export const replacedByCreationKeys = ['assets_by_created', 'assets_all_created'];
