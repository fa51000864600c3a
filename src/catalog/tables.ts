import type { ColumnType } from 'kysely';

/**
 * The columns that programs write, per table, the same in both databases. A trailing `?` allows NULL.
 * uuid, text, time (ISO 8601), json (text of a JSON object), int (a safe integer), flag (a truth value).
 */
export const COLUMNS = {
  catalog: { id: 'uuid', created_at: 'time' },
  backends: {
    name: 'text',
    backend_id: 'uuid',
    storage_provider: 'text',
    marked_at: 'time?',
    created_at: 'time',
  },
  content_verdicts: {
    organization_id: 'text',
    sha256: 'text',
    status: 'text',
    result: 'text?',
    signature_version: 'text?',
    scanned_at: 'time?',
    wanted: 'text?',
    accepted_result: 'text?',
    claim: 'uuid?',
    lease_expires_at: 'time?',
    created_at: 'time',
    updated_at: 'time',
  },
  originals: { organization_id: 'text', original_sha256: 'text', profile: 'text', sha256: 'text' },
  objects: {
    id: 'uuid',
    organization_id: 'text',
    backend: 'text',
    storage_provider: 'text',
    storage_path: 'text',
    size: 'int',
    sha256: 'text',
    stored_size: 'int?',
    content_encoding: 'text?',
    stored_sha256: 'text?',
    stored_md5: 'text?',
    stored_crc32c: 'text?',
    etag: 'text?',
    is_public: 'flag',
    state: 'text',
    claim: 'uuid?',
    lease_expires_at: 'time?',
    upload_session: 'text?',
    copied_from: 'uuid?',
    retain_until: 'time?',
    damaged_at: 'time?',
    created_at: 'time',
    updated_at: 'time',
  },
  assets: {
    id: 'uuid',
    object_id: 'uuid',
    filename: 'text',
    original_filename: 'text',
    file_size: 'int',
    mime_type: 'text',
    file_hash: 'text',
    asset_type: 'text',
    storage_provider: 'text',
    backend: 'text',
    storage_path: 'text',
    cdn_url: 'text?',
    user_id: 'text?',
    organization_id: 'text',
    project_id: 'text?',
    scan_result_id: 'text?',
    is_public: 'flag',
    is_processed: 'flag',
    virus_scan_status: 'text',
    virus_scan_result: 'text?',
    expires_at: 'time?',
    download_count: 'int',
    last_accessed_at: 'time?',
    created_at: 'time',
    updated_at: 'time',
    tags: 'json',
    trashed_at: 'time?',
    quarantined_at: 'time?',
    damaged_at: 'time?',
    trash_ends_at: 'time?',
  },
  asset_tags: {
    organization_id: 'text',
    name: 'text',
    value: 'text',
    created_at: 'time',
    asset_id: 'uuid',
  },
  audit_events: {
    seq: 'int',
    id: 'uuid',
    time: 'time',
    actor: 'text?',
    organization_id: 'text',
    action: 'text',
    asset_id: 'uuid?',
    asset_user_id: 'text?',
    outcome: 'text',
    host: 'text',
    correlation_id: 'text',
    details: 'json',
  },
  verify_progress: { backend: 'text', scope: 'text', position: 'text', started_at: 'time', updated_at: 'time' },
  migration_runs: {
    id: 'uuid',
    organization_id: 'text?',
    actor: 'text?',
    host: 'text',
    from_backend: 'text',
    to_backend: 'text',
    started_at: 'time',
    updated_at: 'time',
    ended_at: 'time?',
    objects: 'int',
    assets: 'int',
    bytes: 'int',
    skipped: 'int',
    remaining: 'int?',
  },
  migration_failures: {
    run_id: 'uuid',
    object_id: 'uuid',
    organization_id: 'text',
    storage_path: 'text',
    code: 'text',
    message: 'text',
    failed_at: 'time',
  },
  migration_skips: {
    run_id: 'uuid',
    object_id: 'uuid',
    organization_id: 'text',
    storage_path: 'text',
    reason: 'text',
    skipped_at: 'time',
  },
  tokens: {
    id: 'uuid',
    hash: 'text',
    name: 'text?',
    user_id: 'text?',
    organization_id: 'text',
    role: 'text',
    scope: 'text',
    created_by: 'text?',
    created_at: 'time',
    expires_at: 'time',
    last_used_at: 'time?',
    revoked_at: 'time?',
  },
  scan_runs: { organization_id: 'text', started_at: 'time' },
  schema_migrations: { version: 'int', name: 'text', checksum: 'text', applied_at: 'time' },
} as const satisfies Record<string, Readonly<Record<string, ColumnKind>>>;

export type BaseKind = 'uuid' | 'text' | 'time' | 'json' | 'int' | 'flag';
export type ColumnKind = BaseKind | `${BaseKind}?`;
export type ColumnKinds = Readonly<Record<string, ColumnKind>>;
export type TableName = keyof typeof COLUMNS;

type BaseValue<K extends BaseKind> = K extends 'int' ? number : K extends 'flag' ? boolean : string;
export type ColumnValue<K extends ColumnKind> = K extends `${infer B extends BaseKind}?`
  ? BaseValue<B> | null
  : K extends BaseKind
    ? BaseValue<K>
    : never;

/** A row as it is written. */
export type RowOf<C extends ColumnKinds> = { [N in keyof C]: ColumnValue<C[N]> };
export type TableRow<T extends TableName> = RowOf<(typeof COLUMNS)[T]>;

/** SQLite answers truth values as 0 and 1. */
type Stored<K extends ColumnKind> = K extends 'flag' ? ColumnType<boolean | number, boolean, boolean> : ColumnValue<K>;
type Table<T extends TableName> = { [N in keyof (typeof COLUMNS)[T]]: Stored<(typeof COLUMNS)[T][N] & ColumnKind> };

/** What the database computes from the others. */
interface ComputedAssetColumns {
  status: ColumnType<string, never, never>;
  /** expires_at, or the end of time: makes "unexpired" one range of one index. */
  expires_sort: ColumnType<string, never, never>;
}

/** Tables that any query may name. */
export type OpenTables = {
  catalog: Table<'catalog'>;
  backends: Table<'backends'>;
  content_verdicts: Table<'content_verdicts'>;
  originals: Table<'originals'>;
  objects: Table<'objects'>;
  audit_events: Table<'audit_events'>;
  verify_progress: Table<'verify_progress'>;
  migration_runs: Table<'migration_runs'>;
  migration_failures: Table<'migration_failures'>;
  migration_skips: Table<'migration_skips'>;
  tokens: Table<'tokens'>;
  scan_runs: Table<'scan_runs'>;
  schema_migrations: Table<'schema_migrations'>;
};

/** Tables that only asset-query.ts names, so that no query on assets forgets its organisation. */
export type AssetTables = {
  assets: Table<'assets'> & ComputedAssetColumns;
  asset_tags: Table<'asset_tags'>;
};

export type AllTables = OpenTables & AssetTables;

/** What expires_sort says of an asset that never expires. */
export const END_OF_TIME = '9999-12-31T23:59:59.999Z';
