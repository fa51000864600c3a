/** Bearer tokens of `serve`. Of the secret there is only the SHA-256: it is random, and cannot be guessed from that. */
export const tokensSqlite = `
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),
  name TEXT,
  user_id TEXT,
  organization_id TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('member', 'admin', 'operator')),
  scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'read,write')),
  created_by TEXT,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  last_used_at TEXT,
  revoked_at TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_organization ON tokens (organization_id, created_at);
`;
