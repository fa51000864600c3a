/**
 * What images were before they were stored has rows of its own: several originals, or an original by several profiles, may
 * have become the same content. Objects knew one of them.
 */
export const contentOriginalsSqlite = `
CREATE TABLE originals (
  organization_id TEXT NOT NULL,
  original_sha256 TEXT NOT NULL,
  profile TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (organization_id, original_sha256, profile, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX originals_by_content ON originals (organization_id, sha256);
INSERT INTO originals SELECT DISTINCT organization_id, original_sha256, profile, sha256 FROM objects
  WHERE state = 'STORED' AND original_sha256 IS NOT NULL AND profile IS NOT NULL;
DROP INDEX objects_original;
ALTER TABLE objects DROP COLUMN original_sha256;
ALTER TABLE objects DROP COLUMN profile;
`;
