/** The same as in SQLite. */
export const migrationSkipsPostgres = `
CREATE TABLE migration_skips (
  run_id uuid NOT NULL REFERENCES migration_runs (id),
  object_id uuid NOT NULL,
  organization_id text COLLATE "C" NOT NULL,
  storage_path text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  skipped_at timestamptz(3) NOT NULL,
  PRIMARY KEY (run_id, object_id)
);
`;
