/** What each run of `migrate` left where it was, and why. */
export const migrationSkipsSqlite = `
CREATE TABLE migration_skips (
  run_id TEXT NOT NULL REFERENCES migration_runs (id),
  object_id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  storage_path TEXT NOT NULL,
  reason TEXT NOT NULL,
  skipped_at TEXT NOT NULL,
  PRIMARY KEY (run_id, object_id)
) STRICT, WITHOUT ROWID;
`;
