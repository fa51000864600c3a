/**
 * When the time in the trash ends, fixed when an asset is trashed; how far a deep verification came; what expires next.
 * On a DELETING object, retain_until says how long its row stays after its bytes were removed.
 */
export const lifecycleSqlite = `
ALTER TABLE assets ADD COLUMN trash_ends_at TEXT;
CREATE INDEX assets_by_trash_end ON assets (organization_id, trash_ends_at, id) WHERE trash_ends_at IS NOT NULL;

CREATE TABLE verify_progress (
  backend TEXT NOT NULL,
  scope TEXT NOT NULL,
  position TEXT NOT NULL,
  started_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (backend, scope)
) STRICT, WITHOUT ROWID;
`;
