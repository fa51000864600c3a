import type { Indexes } from './migration.ts';

const BY_CREATION = "WHERE (organization_id || '') > ''";
const ACROSS = "(organization_id || '') <> ''";

/**
 * Lists over all organisations read one index, not one of each organisation. Their conditions hold for every row; they
 * keep lists of a single organisation away. SQLite, which mostly holds one organisation, merges.
 */
export const allOrganizationsPostgres: Indexes = {
  assets_all_created: `ON assets (created_at, id) INCLUDE (status, expires_sort, file_size, original_filename) ${BY_CREATION}`,
  assets_all_type: `ON assets (asset_type, created_at, id) WHERE ${ACROSS}`,
  assets_all_project: `ON assets (project_id, created_at, id) WHERE project_id IS NOT NULL AND ${ACROSS}`,
  assets_all_user: `ON assets (user_id, created_at, id) WHERE user_id IS NOT NULL AND ${ACROSS}`,
  assets_all_backend: `ON assets (backend, created_at, id) WHERE ${ACROSS}`,
  assets_all_scan_status: `ON assets (virus_scan_status, created_at, id) WHERE ${ACROSS}`,
  assets_all_status: `ON assets (status, created_at, id) WHERE status <> 'active' AND ${ACROSS}`,
  assets_all_public: `ON assets (created_at, id) WHERE is_public = true AND ${ACROSS}`,
  assets_all_size: `ON assets (file_size, created_at, id) INCLUDE (status, expires_sort) WHERE ${ACROSS}`,
  assets_all_expiry: `ON assets (expires_sort, created_at, id) INCLUDE (status) WHERE ${ACROSS}`,
  assets_all_name: `ON assets (original_filename, created_at, id) INCLUDE (status, expires_sort) WHERE ${ACROSS}`,
  asset_tags_all: `ON asset_tags (name, value, created_at, asset_id) WHERE ${ACROSS}`,
};
