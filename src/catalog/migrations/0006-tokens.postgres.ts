/** The same as in SQLite. */
export const tokensPostgres = `
CREATE TABLE tokens (
  id uuid PRIMARY KEY,
  hash text COLLATE "C" NOT NULL UNIQUE CHECK (length(hash) = 64),
  name text COLLATE "C",
  user_id text COLLATE "C",
  organization_id text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL CHECK (role IN ('member', 'admin', 'operator')),
  scope text COLLATE "C" NOT NULL CHECK (scope IN ('read', 'write', 'read,write')),
  created_by text COLLATE "C",
  created_at timestamptz(3) NOT NULL,
  expires_at timestamptz(3) NOT NULL,
  last_used_at timestamptz(3),
  revoked_at timestamptz(3)
);
CREATE INDEX tokens_by_organization ON tokens (organization_id, created_at);
`;
