import type { AuditLog } from './contract/audit.ts';
import type { DeleteWrites } from './contract/deletes.ts';
import type { Inventory } from './contract/inventory.ts';
import type { Leftovers } from './contract/leftovers.ts';
import type { LifecycleWrites } from './contract/lifecycle.ts';
import type { MigrationRuns } from './contract/migration-runs.ts';
import type { MoveWrites } from './contract/moves.ts';
import type { AssetPurge } from './contract/purge.ts';
import type { AssetReads } from './contract/reads.ts';
import type { Statistics } from './contract/statistics.ts';
import type { Tokens } from './contract/tokens.ts';
import type { BackendRegistry, CatalogMaintenance } from './contract/upkeep.ts';
import type { UploadWrites } from './contract/uploads.ts';
import type { Verdicts } from './contract/verdicts.ts';

export type * from './contract/audit.ts';
export type * from './contract/deletes.ts';
export type * from './contract/inventory.ts';
export type * from './contract/leftovers.ts';
export type * from './contract/lifecycle.ts';
export type * from './contract/migration-runs.ts';
export type * from './contract/moves.ts';
export type * from './contract/objects.ts';
export type * from './contract/purge.ts';
export type * from './contract/reads.ts';
export type * from './contract/statistics.ts';
export type * from './contract/tokens.ts';
export type * from './contract/upkeep.ts';
export type * from './contract/uploads.ts';
export type * from './contract/verdicts.ts';

/**
 * The catalog: what is known about every stored file. Every method that changes something is
 * one transaction and writes its audit events in it. Rejections are AssetErrors
 * (DATABASE_LOCKED, UNAVAILABLE, READ_ONLY, DATABASE_CORRUPT, …).
 *
 * Times that are compared are the database's own. Every transaction that adds, moves or removes
 * a reference locks the content's verdict row first, then the object's row (in id order), and
 * only then reads the state and counts.
 */
export interface Catalog {
  readonly kind: 'sqlite' | 'postgres';
  /** Made when the catalog is created or restored; the stores' markers name it. */
  readonly catalogId: string;

  readonly assets: AssetReads;
  readonly uploads: UploadWrites;
  readonly deletes: DeleteWrites;
  readonly lifecycle: LifecycleWrites;
  readonly purge: AssetPurge;
  readonly leftovers: Leftovers;
  readonly moves: MoveWrites;
  readonly migrations: MigrationRuns;
  readonly verdicts: Verdicts;
  readonly inventory: Inventory;
  readonly statistics: Statistics;
  readonly audit: AuditLog;
  readonly tokens: Tokens;
  readonly backends: BackendRegistry;
  readonly maintenance: CatalogMaintenance;

  close(): Promise<void>;
}
