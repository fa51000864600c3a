/** The same as in SQLite. */
export const migrationRunsPostgres = `
CREATE TABLE migration_runs (
  id uuid PRIMARY KEY,
  organization_id text COLLATE "C",
  actor text COLLATE "C",
  host text COLLATE "C" NOT NULL,
  from_backend text COLLATE "C" NOT NULL,
  to_backend text COLLATE "C" NOT NULL,
  started_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  ended_at timestamptz(3),
  objects bigint NOT NULL,
  assets bigint NOT NULL,
  bytes bigint NOT NULL,
  skipped bigint NOT NULL,
  remaining bigint
);
CREATE INDEX migration_runs_by_time ON migration_runs (started_at);

CREATE TABLE migration_failures (
  run_id uuid NOT NULL REFERENCES migration_runs (id),
  object_id uuid NOT NULL,
  organization_id text COLLATE "C" NOT NULL,
  storage_path text COLLATE "C" NOT NULL,
  code text COLLATE "C" NOT NULL,
  message text COLLATE "C" NOT NULL,
  failed_at timestamptz(3) NOT NULL,
  PRIMARY KEY (run_id, object_id)
);
CREATE INDEX migration_failures_by_object ON migration_failures (object_id);
`;
