/**
 * The same tables as in SQLite. Texts compare by their bytes. Room is left in the pages of `assets`, because the
 * counter of downloads changes in place.
 */
export const initialPostgres = `
CREATE TABLE catalog (
  id uuid NOT NULL PRIMARY KEY,
  created_at timestamptz(3) NOT NULL
);

CREATE TABLE backends (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  backend_id uuid NOT NULL UNIQUE,
  storage_provider text COLLATE "C" NOT NULL,
  marked_at timestamptz(3),
  created_at timestamptz(3) NOT NULL
);

CREATE TABLE content_verdicts (
  organization_id text COLLATE "C" NOT NULL,
  sha256 text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL CHECK (status IN ('PENDING', 'CLEAN', 'INFECTED')),
  result text COLLATE "C",
  signature_version text COLLATE "C",
  scanned_at timestamptz(3),
  wanted text COLLATE "C" CHECK (wanted IN ('quarantine', 'delete')),
  accepted_result text COLLATE "C",
  claim uuid,
  lease_expires_at timestamptz(3),
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  PRIMARY KEY (organization_id, sha256)
);
CREATE INDEX content_verdicts_wanted ON content_verdicts (organization_id, wanted) WHERE wanted IS NOT NULL;

CREATE TABLE objects (
  id uuid NOT NULL PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  backend text COLLATE "C" NOT NULL,
  storage_provider text COLLATE "C" NOT NULL,
  storage_path text COLLATE "C" NOT NULL,
  size bigint NOT NULL CHECK (size >= 0),
  sha256 text COLLATE "C" NOT NULL,
  stored_size bigint,
  content_encoding text COLLATE "C",
  stored_sha256 text COLLATE "C",
  stored_md5 text COLLATE "C",
  stored_crc32c text COLLATE "C",
  etag text COLLATE "C",
  is_public boolean NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('PENDING', 'STORED', 'RETAINED', 'DELETING')),
  claim uuid,
  lease_expires_at timestamptz(3),
  upload_session text COLLATE "C",
  copied_from uuid UNIQUE,
  retain_until timestamptz(3),
  damaged_at timestamptz(3),
  original_sha256 text COLLATE "C",
  profile text COLLATE "C",
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  CHECK (state NOT IN ('STORED', 'RETAINED') OR (etag IS NOT NULL AND stored_size IS NOT NULL)),
  CHECK (state <> 'PENDING' OR (claim IS NOT NULL AND lease_expires_at IS NOT NULL)),
  CHECK (state <> 'DELETING' OR lease_expires_at IS NOT NULL),
  CHECK (state <> 'RETAINED' OR retain_until IS NOT NULL),
  UNIQUE (backend, storage_path)
);
CREATE UNIQUE INDEX objects_stored_content ON objects (organization_id, sha256, backend)
  WHERE state = 'STORED' AND is_public = false;
CREATE INDEX objects_retained_content ON objects (organization_id, sha256) WHERE state = 'RETAINED';
CREATE INDEX objects_leases ON objects (state, lease_expires_at) WHERE state IN ('PENDING', 'DELETING');
CREATE INDEX objects_retained ON objects (retain_until) WHERE state = 'RETAINED';

CREATE TABLE assets (
  id uuid NOT NULL PRIMARY KEY,
  object_id uuid NOT NULL REFERENCES objects (id),
  filename text COLLATE "C" NOT NULL,
  original_filename text COLLATE "C" NOT NULL,
  file_size bigint NOT NULL,
  mime_type text COLLATE "C" NOT NULL,
  file_hash text COLLATE "C" NOT NULL,
  asset_type text COLLATE "C" NOT NULL,
  storage_provider text COLLATE "C" NOT NULL,
  backend text COLLATE "C" NOT NULL,
  storage_path text COLLATE "C" NOT NULL,
  cdn_url text COLLATE "C",
  user_id text COLLATE "C",
  organization_id text COLLATE "C" NOT NULL,
  project_id text COLLATE "C",
  scan_result_id text COLLATE "C",
  is_public boolean NOT NULL,
  is_processed boolean NOT NULL,
  virus_scan_status text COLLATE "C" NOT NULL CHECK (virus_scan_status IN ('PENDING', 'CLEAN', 'INFECTED')),
  virus_scan_result text COLLATE "C",
  expires_at timestamptz(3),
  download_count bigint NOT NULL DEFAULT 0,
  last_accessed_at timestamptz(3),
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  tags jsonb NOT NULL DEFAULT '{}',
  trashed_at timestamptz(3),
  quarantined_at timestamptz(3),
  damaged_at timestamptz(3),
  status text COLLATE "C" NOT NULL GENERATED ALWAYS AS (CASE
    WHEN trashed_at IS NOT NULL THEN 'trashed'
    WHEN quarantined_at IS NOT NULL THEN 'quarantined'
    WHEN damaged_at IS NOT NULL THEN 'damaged'
    ELSE 'active' END) STORED,
  expires_sort timestamptz(3) NOT NULL GENERATED ALWAYS AS (coalesce(expires_at, timestamptz '9999-12-31 23:59:59.999+00')) STORED
) WITH (fillfactor = 90);
CREATE INDEX assets_by_created ON assets (organization_id, created_at, id)
  INCLUDE (status, expires_sort, file_size, original_filename);
CREATE INDEX assets_by_type ON assets (organization_id, asset_type, created_at, id);
CREATE INDEX assets_by_project ON assets (organization_id, project_id, created_at, id) WHERE project_id IS NOT NULL;
CREATE INDEX assets_by_user ON assets (organization_id, user_id, created_at, id) WHERE user_id IS NOT NULL;
CREATE INDEX assets_by_backend ON assets (organization_id, backend, created_at, id);
CREATE INDEX assets_by_scan_status ON assets (organization_id, virus_scan_status, created_at, id);
CREATE INDEX assets_by_status ON assets (organization_id, status, created_at, id) WHERE status <> 'active';
CREATE INDEX assets_by_public ON assets (organization_id, created_at, id) WHERE is_public = true;
CREATE INDEX assets_by_size ON assets (organization_id, file_size, created_at, id)
  INCLUDE (status, expires_sort);
CREATE INDEX assets_by_expiry ON assets (organization_id, expires_sort, created_at, id) INCLUDE (status);
CREATE INDEX assets_by_name ON assets (organization_id, original_filename, created_at, id)
  INCLUDE (status, expires_sort);
CREATE INDEX assets_by_hash ON assets (organization_id, file_hash);
CREATE INDEX assets_by_object ON assets (object_id);

CREATE TABLE asset_tags (
  organization_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL,
  created_at timestamptz(3) NOT NULL,
  asset_id uuid NOT NULL,
  PRIMARY KEY (organization_id, name, value, created_at, asset_id)
);
CREATE FUNCTION assets_delete_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM asset_tags WHERE (organization_id, name, value, created_at, asset_id) IN
    (SELECT OLD.organization_id, key, value, OLD.created_at, OLD.id FROM jsonb_each_text(OLD.tags));
  RETURN NULL;
END $$;
CREATE TRIGGER assets_delete_tags AFTER DELETE ON assets FOR EACH ROW WHEN (OLD.tags <> '{}'::jsonb)
  EXECUTE FUNCTION assets_delete_tags();

CREATE TABLE audit_events (
  seq bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL,
  time timestamptz(3) NOT NULL,
  actor text COLLATE "C",
  organization_id text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  asset_id uuid,
  asset_user_id text COLLATE "C",
  outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('success', 'refused', 'failed')),
  host text COLLATE "C" NOT NULL,
  correlation_id text COLLATE "C" NOT NULL,
  details jsonb NOT NULL
);
CREATE INDEX audit_events_by_time ON audit_events (organization_id, time, seq);
CREATE INDEX audit_events_by_asset ON audit_events (asset_id, time, seq) WHERE asset_id IS NOT NULL;
CREATE INDEX audit_events_by_actor ON audit_events (organization_id, actor, time, seq);
CREATE INDEX audit_events_by_action ON audit_events (organization_id, action, time, seq);
CREATE INDEX audit_events_by_owner ON audit_events (organization_id, asset_user_id, time, seq)
  WHERE asset_user_id IS NOT NULL;
CREATE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_events is append-only';
END $$;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
  FOR EACH STATEMENT EXECUTE FUNCTION audit_events_append_only();

CREATE TABLE schema_migrations (
  version integer NOT NULL PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  checksum text COLLATE "C" NOT NULL,
  applied_at timestamptz(3) NOT NULL
);
`;
