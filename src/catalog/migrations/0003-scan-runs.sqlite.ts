/** When a scan of everything began, so that an interrupted one goes on and several hosts share it. */
export const scanRunsSqlite = `
CREATE TABLE scan_runs (
  organization_id TEXT NOT NULL PRIMARY KEY,
  started_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;
