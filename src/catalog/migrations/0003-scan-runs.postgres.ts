/** The same as in SQLite. */
export const scanRunsPostgres = `
CREATE TABLE scan_runs (
  organization_id text COLLATE "C" NOT NULL PRIMARY KEY,
  started_at timestamptz(3) NOT NULL
);
`;
