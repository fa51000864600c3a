/** The same as in SQLite. */
export const lifecyclePostgres = `
ALTER TABLE assets ADD COLUMN trash_ends_at timestamptz(3);
CREATE INDEX assets_by_trash_end ON assets (organization_id, trash_ends_at, id) WHERE trash_ends_at IS NOT NULL;

CREATE TABLE verify_progress (
  backend text COLLATE "C" NOT NULL,
  scope text COLLATE "C" NOT NULL,
  position text COLLATE "C" NOT NULL,
  started_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  PRIMARY KEY (backend, scope)
);
`;
