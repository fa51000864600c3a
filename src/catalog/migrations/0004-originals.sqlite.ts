/** Transformed images are found by what they were made of. */
export const originalsSqlite = `
CREATE INDEX objects_original ON objects (organization_id, original_sha256) WHERE original_sha256 IS NOT NULL;
`;
