import { ASSET_TYPE_PATTERN } from '../core/asset.ts';
import type { Schema } from './route.ts';

export const TEXT: Schema = { type: 'string' };
const TEXT_OR_NULL: Schema = { type: ['string', 'null'] };
const TIME: Schema = { type: 'string', format: 'date-time' };
const TIME_OR_NULL: Schema = { type: ['string', 'null'], format: 'date-time' };
const TRUTH: Schema = { type: 'boolean' };
export const COUNT: Schema = { type: 'integer', minimum: 0 };

export const ASSET_TYPE: Schema = { type: 'string', pattern: ASSET_TYPE_PATTERN.source };

/** An id that leads nowhere is not found, whatever it looks like. */
export const ID_PARAMS: Schema = record({ id: { type: 'string', minLength: 1 } });

/** An object with these properties, all of them there. */
export function record(properties: Schema): Schema {
  return { type: 'object', required: Object.keys(properties), properties };
}

export function success(data: Schema, more: Schema = {}): Schema {
  return record({ success: { type: 'boolean', const: true }, data, ...more });
}

export const UPLOADED = record({
  id: { type: 'string', format: 'uuid' },
  filename: TEXT,
  file_size: COUNT,
  asset_type: TEXT,
  cdn_url: TEXT_OR_NULL,
});

export const LISTED = record({
  id: { type: 'string', format: 'uuid' },
  filename: TEXT,
  file_size: COUNT,
  asset_type: TEXT,
  created_at: TIME,
  cdn_url: TEXT_OR_NULL,
});

export const ASSET = record({
  id: { type: 'string', format: 'uuid' },
  filename: TEXT,
  original_filename: TEXT,
  file_size: COUNT,
  mime_type: TEXT,
  file_hash: TEXT,
  asset_type: TEXT,
  storage_provider: TEXT,
  backend: TEXT,
  storage_path: TEXT,
  cdn_url: TEXT_OR_NULL,
  user_id: TEXT_OR_NULL,
  organization_id: TEXT,
  project_id: TEXT_OR_NULL,
  scan_result_id: TEXT_OR_NULL,
  is_public: TRUTH,
  is_processed: TRUTH,
  virus_scan_status: TEXT,
  virus_scan_result: TEXT_OR_NULL,
  expires_at: TIME_OR_NULL,
  download_count: COUNT,
  last_accessed_at: TIME_OR_NULL,
  created_at: TIME,
  updated_at: TIME,
  tags: { type: 'object', additionalProperties: TEXT },
  status: TEXT,
  trashed_at: TIME_OR_NULL,
});

/** Names as plain SQL has them: `original_filename`. */
export function toSnakeCase(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      inner,
    ]),
  );
}
