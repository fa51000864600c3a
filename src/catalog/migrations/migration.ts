import { createHash } from 'node:crypto';
import { AssetError } from '../../core/errors.ts';

/** One step of the schema; a step that was released is never changed, a later one corrects it. */
export interface Migration {
  version: number;
  name: string;
  sql: string;
  /** What `sql` makes, if that is indexes alone: of a table in use they are made without locking it. */
  indexes?: Indexes;
  /** The indexes that these take the place of. */
  replaced?: readonly string[];
}

/** `CREATE INDEX <name> <the rest>` */
export type Indexes = Readonly<Record<string, string>>;

export interface AppliedMigration {
  version: number;
  checksum: string;
}

export function indexMigration(
  version: number,
  name: string,
  indexes: Indexes,
  replaced: readonly string[] = [],
): Migration {
  const made = Object.entries(indexes).map(([index, rest]) => `CREATE INDEX ${index} ${rest};\n`);
  const dropped = replaced.map((index) => `DROP INDEX ${index};\n`);
  return { version, name, sql: [...made, ...dropped].join(''), indexes, replaced };
}

export function checksumOf(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex');
}

export function newestVersion(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

/**
 * The steps that are still to be taken.
 * @throws AssetError SCHEMA_NEWER if the database is ahead of this program; DATABASE_UNUSABLE if its history is another
 */
export function pendingMigrations(
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
  location: string,
): Migration[] {
  const newest = newestVersion(migrations);
  const version = Math.max(0, ...applied.map((step) => step.version));
  if (version > newest) throw schemaNewer(location, version, newest);
  const checksums = new Map(applied.map((step) => [step.version, step.checksum]));
  for (const migration of migrations) {
    const checksum = checksums.get(migration.version);
    if (checksum !== undefined && checksum !== checksumOf(migration)) throw otherHistory(location, migration);
  }
  return migrations.filter((migration) => !checksums.has(migration.version));
}

export function schemaNewer(location: string, version: number, newest: number): AssetError {
  return new AssetError(
    'SCHEMA_NEWER',
    `the database ${location} has schema version ${version}; this asset-cli knows versions up to ${newest}`,
    { hint: `Install an asset-cli that knows schema version ${version}.`, details: { version, newest } },
  );
}

function otherHistory(location: string, migration: Migration): AssetError {
  return new AssetError(
    'DATABASE_UNUSABLE',
    `the database ${location} was made by another build: migration ${migration.version} differs`,
    { hint: 'Export it with the build that made it (db backup) and restore that into a new database.' },
  );
}

export function foreignTables(location: string, table: string): AssetError {
  return new AssetError(
    'DATABASE_UNUSABLE',
    `the database ${location} belongs to something else: it has a table "${table}"`,
    { hint: 'Name a database of its own with --database.', details: { table } },
  );
}

export function schemaOlder(location: string, version: number, newest: number): AssetError {
  const state = version === 0 ? 'has no catalog yet' : `has schema version ${version}, ${newest} is needed`;
  return new AssetError('DATABASE_UNUSABLE', `the database ${location} ${state}`, {
    hint: 'Run asset-cli db migrate, with a login that may change the schema.',
    details: { version, newest },
  });
}
