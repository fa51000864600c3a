/** What each run of `migrate` did, and what it could not move. How far a migration is, the objects themselves say. */
export const migrationRunsSqlite = `
CREATE TABLE migration_runs (
  id TEXT PRIMARY KEY,
  organization_id TEXT,
  actor TEXT,
  host TEXT NOT NULL,
  from_backend TEXT NOT NULL,
  to_backend TEXT NOT NULL,
  started_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  ended_at TEXT,
  objects INTEGER NOT NULL,
  assets INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  remaining INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX migration_runs_by_time ON migration_runs (started_at);

CREATE TABLE migration_failures (
  run_id TEXT NOT NULL REFERENCES migration_runs (id),
  object_id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  storage_path TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  failed_at TEXT NOT NULL,
  PRIMARY KEY (run_id, object_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX migration_failures_by_object ON migration_failures (object_id);
`;
