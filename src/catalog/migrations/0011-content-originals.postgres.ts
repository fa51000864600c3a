/** The same as in SQLite. */
export const contentOriginalsPostgres = `
LOCK TABLE objects;
CREATE TABLE originals (
  organization_id text COLLATE "C" NOT NULL,
  original_sha256 text COLLATE "C" NOT NULL,
  profile text COLLATE "C" NOT NULL,
  sha256 text COLLATE "C" NOT NULL,
  PRIMARY KEY (organization_id, original_sha256, profile, sha256)
);
CREATE INDEX originals_by_content ON originals (organization_id, sha256);
INSERT INTO originals SELECT DISTINCT organization_id, original_sha256, profile, sha256 FROM objects
  WHERE state = 'STORED' AND original_sha256 IS NOT NULL AND profile IS NOT NULL;
DROP INDEX objects_original;
ALTER TABLE objects DROP COLUMN original_sha256, DROP COLUMN profile;
ANALYZE originals;
`;
