/** Objects, verdicts, assets, audit trail and backends. Times are ISO 8601 text in UTC with milliseconds. */
export const initialSqlite = `
CREATE TABLE catalog (
  id TEXT NOT NULL PRIMARY KEY,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE backends (
  name TEXT NOT NULL PRIMARY KEY,
  backend_id TEXT NOT NULL UNIQUE,
  storage_provider TEXT NOT NULL,
  marked_at TEXT,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE content_verdicts (
  organization_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('PENDING', 'CLEAN', 'INFECTED')),
  result TEXT,
  signature_version TEXT,
  scanned_at TEXT,
  wanted TEXT CHECK (wanted IN ('quarantine', 'delete')),
  accepted_result TEXT,
  claim TEXT,
  lease_expires_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (organization_id, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX content_verdicts_wanted ON content_verdicts (organization_id, wanted) WHERE wanted IS NOT NULL;

CREATE TABLE objects (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL,
  backend TEXT NOT NULL,
  storage_provider TEXT NOT NULL,
  storage_path TEXT NOT NULL,
  size INTEGER NOT NULL CHECK (size >= 0),
  sha256 TEXT NOT NULL,
  stored_size INTEGER,
  content_encoding TEXT,
  stored_sha256 TEXT,
  stored_md5 TEXT,
  stored_crc32c TEXT,
  etag TEXT,
  is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
  state TEXT NOT NULL CHECK (state IN ('PENDING', 'STORED', 'RETAINED', 'DELETING')),
  claim TEXT,
  lease_expires_at TEXT,
  upload_session TEXT,
  copied_from TEXT UNIQUE,
  retain_until TEXT,
  damaged_at TEXT,
  original_sha256 TEXT,
  profile TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  CHECK (state NOT IN ('STORED', 'RETAINED') OR (etag IS NOT NULL AND stored_size IS NOT NULL)),
  CHECK (state <> 'PENDING' OR (claim IS NOT NULL AND lease_expires_at IS NOT NULL)),
  CHECK (state <> 'DELETING' OR lease_expires_at IS NOT NULL),
  CHECK (state <> 'RETAINED' OR retain_until IS NOT NULL),
  UNIQUE (backend, storage_path)
) STRICT;
CREATE UNIQUE INDEX objects_stored_content ON objects (organization_id, sha256, backend)
  WHERE state = 'STORED' AND is_public = false;
CREATE INDEX objects_retained_content ON objects (organization_id, sha256) WHERE state = 'RETAINED';
CREATE INDEX objects_leases ON objects (state, lease_expires_at) WHERE state IN ('PENDING', 'DELETING');
CREATE INDEX objects_retained ON objects (retain_until) WHERE state = 'RETAINED';

CREATE TABLE assets (
  id TEXT NOT NULL PRIMARY KEY,
  object_id TEXT NOT NULL REFERENCES objects (id),
  filename TEXT NOT NULL,
  original_filename TEXT NOT NULL,
  file_size INTEGER NOT NULL,
  mime_type TEXT NOT NULL,
  file_hash TEXT NOT NULL,
  asset_type TEXT NOT NULL,
  storage_provider TEXT NOT NULL,
  backend TEXT NOT NULL,
  storage_path TEXT NOT NULL,
  cdn_url TEXT,
  user_id TEXT,
  organization_id TEXT NOT NULL,
  project_id TEXT,
  scan_result_id TEXT,
  is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
  is_processed INTEGER NOT NULL CHECK (is_processed IN (0, 1)),
  virus_scan_status TEXT NOT NULL CHECK (virus_scan_status IN ('PENDING', 'CLEAN', 'INFECTED')),
  virus_scan_result TEXT,
  expires_at TEXT,
  download_count INTEGER NOT NULL DEFAULT 0,
  last_accessed_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  tags TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(tags)),
  trashed_at TEXT,
  quarantined_at TEXT,
  damaged_at TEXT,
  status TEXT NOT NULL GENERATED ALWAYS AS (CASE
    WHEN trashed_at IS NOT NULL THEN 'trashed'
    WHEN quarantined_at IS NOT NULL THEN 'quarantined'
    WHEN damaged_at IS NOT NULL THEN 'damaged'
    ELSE 'active' END) STORED,
  expires_sort TEXT NOT NULL GENERATED ALWAYS AS (coalesce(expires_at, '9999-12-31T23:59:59.999Z')) STORED
) STRICT;
CREATE INDEX assets_by_created ON assets
  (organization_id, created_at, id, status, expires_sort, file_size, original_filename);
CREATE INDEX assets_by_type ON assets (organization_id, asset_type, created_at, id);
CREATE INDEX assets_by_project ON assets (organization_id, project_id, created_at, id) WHERE project_id IS NOT NULL;
CREATE INDEX assets_by_user ON assets (organization_id, user_id, created_at, id) WHERE user_id IS NOT NULL;
CREATE INDEX assets_by_backend ON assets (organization_id, backend, created_at, id);
CREATE INDEX assets_by_scan_status ON assets (organization_id, virus_scan_status, created_at, id);
CREATE INDEX assets_by_status ON assets (organization_id, status, created_at, id) WHERE status <> 'active';
CREATE INDEX assets_by_public ON assets (organization_id, created_at, id) WHERE is_public = true;
CREATE INDEX assets_by_size ON assets (organization_id, file_size, created_at, id, status, expires_sort);
CREATE INDEX assets_by_expiry ON assets (organization_id, expires_sort, created_at, id, status);
CREATE INDEX assets_by_name ON assets (organization_id, original_filename, created_at, id, status, expires_sort);
CREATE INDEX assets_by_hash ON assets (organization_id, file_hash);
CREATE INDEX assets_by_object ON assets (object_id);

CREATE TABLE asset_tags (
  organization_id TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  created_at TEXT NOT NULL,
  asset_id TEXT NOT NULL,
  PRIMARY KEY (organization_id, name, value, created_at, asset_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER assets_delete_tags AFTER DELETE ON assets WHEN OLD.tags <> '{}'
  BEGIN
    DELETE FROM asset_tags WHERE (organization_id, name, value, created_at, asset_id) IN
      (SELECT OLD.organization_id, key, value, OLD.created_at, OLD.id FROM json_each(OLD.tags));
  END;

CREATE TABLE audit_events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  time TEXT NOT NULL,
  actor TEXT,
  organization_id TEXT NOT NULL,
  action TEXT NOT NULL,
  asset_id TEXT,
  asset_user_id TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('success', 'refused', 'failed')),
  host TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  details TEXT NOT NULL CHECK (json_valid(details))
) STRICT;
CREATE INDEX audit_events_by_time ON audit_events (organization_id, time, seq);
CREATE INDEX audit_events_by_asset ON audit_events (asset_id, time, seq) WHERE asset_id IS NOT NULL;
CREATE INDEX audit_events_by_actor ON audit_events (organization_id, actor, time, seq);
CREATE INDEX audit_events_by_action ON audit_events (organization_id, action, time, seq);
CREATE INDEX audit_events_by_owner ON audit_events (organization_id, asset_user_id, time, seq)
  WHERE asset_user_id IS NOT NULL;
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
  BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END;
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
  BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END;

CREATE TABLE schema_migrations (
  version INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  applied_at TEXT NOT NULL
) STRICT;
`;
