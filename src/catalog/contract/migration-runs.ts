import type { OrganizationScope } from '../../core/identity.ts';
import type { AuditContext } from './audit.ts';
import type { ObjectRecord } from './objects.ts';

export interface NewMigrationRun {
  /** UUID. */
  id: string;
  /** null: objects of any organisation. */
  organization: string | null;
  actor: string | null;
  from: string;
  to: string;
}

/** One run of `migrate`, as far as it came: the counts change in the transactions of the moves themselves. */
export interface MigrationRun extends NewMigrationRun {
  host: string;
  startedAt: string;
  /** When it last moved something. */
  updatedAt: string;
  /** null: it still runs, or was killed. */
  endedAt: string | null;
  objects: number;
  assets: number;
  /** As they are stored. */
  bytes: number;
  skipped: number;
  /** Assets that it left because it was told to stop; null if it did not come to say. */
  remaining: number | null;
  failed: number;
}

export interface MigrationFailure {
  objectId: string;
  organizationId: string;
  storagePath: string;
  code: string;
  message: string;
}

/** An object that a run left where it was. */
export interface MigrationSkip {
  objectId: string;
  organizationId: string;
  storagePath: string;
  reason: string;
}

/** What would keep an object from being moved, as far as the catalog knows. */
export type MigrationObstacle = 'busy' | 'address-taken' | 'target-damaged';

/** Whose objects, and between which backends. */
export interface MigrationPlace {
  scope: OrganizationScope;
  from: string;
  to: string;
}

export interface FormerCopy {
  object: ObjectRecord;
  /** How long it would still be kept. */
  secondsLeft: number;
}

export interface MigrationRuns {
  begin(run: NewMigrationRun, context: AuditContext): Promise<void>;
  recordFailures(runId: string, failures: readonly MigrationFailure[]): Promise<void>;
  recordSkips(runId: string, skips: readonly MigrationSkip[]): Promise<void>;
  end(runId: string, skipped: number, remaining: number): Promise<void>;
  /** The newest first; with `prefix` only those whose ids begin so. */
  list(scope: OrganizationScope, limit: number, prefix?: string): Promise<MigrationRun[]>;
  /** In the order of object ids. */
  failures(
    runId: string,
    after: string | undefined,
    limit: number,
  ): Promise<(MigrationFailure & { failedAt: string })[]>;
  /** In the order of object ids. */
  skips(runId: string, after: string | undefined, limit: number): Promise<(MigrationSkip & { skippedAt: string })[]>;
  /** Which of these objects could not be moved to a backend now, and why; the others are missing from the answer. */
  obstacles(to: string, objectIds: readonly string[]): Promise<Map<string, MigrationObstacle>>;
  /** Objects that an earlier run between the same backends could not move and that are still STORED in the source. */
  failedObjects(place: MigrationPlace, after: string | undefined, limit: number): Promise<ObjectRecord[]>;
  /** Undamaged RETAINED objects of the source whose content the destination does not hold. In id order. */
  formerCopies(place: MigrationPlace, after: string | undefined, limit: number): Promise<FormerCopy[]>;
}
