import type { MoveCommit, MovedAsset, ObjectRecord } from '../../catalog/catalog.ts';
import type { FailureRecord } from '../../core/errors.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { PutOptions, StorageBackend } from '../../storage/backend.ts';
import type { Selection } from '../assets/select-assets.ts';
import type { OperationContext } from '../context.ts';
import type { SkipReason } from './move-bytes.ts';

export interface MigrateRequest {
  from: string;
  to: string;
  scope: OrganizationScope;
  /** 'failed': what earlier runs between the same backends could not move. */
  selection: Selection | { kind: 'failed' };
  /** Former copies too, which no filter knows. */
  withFormerCopies: boolean;
  sourceEnd: MoveCommit['sourceEnd'];
  dryRun: boolean;
  /** Objects at once. */
  concurrency: number;
  /** Bytes a second through this process. */
  bandwidth?: number;
  /** Within a provider the bytes need not pass through us. */
  serverSide: boolean;
  /** Milliseconds; what is under way is finished. */
  maxDuration?: number;
  /** A file that is not there yet, for one line of each asset moved. */
  manifest?: string;
}

/** Where bytes lie. */
export interface Place {
  backend: string;
  storagePath: StorageKey;
}

/** An object with all its assets; former copies have none. */
export interface ObjectWithAssets {
  source: ObjectRecord;
  to: Place;
  assets: readonly MovedAsset[];
}

/** Why an asset stays where it is, without anything being wrong. */
export type MigrateSkipReason = SkipReason | 'not-in-source' | 'already-there';

export type MigrateOutcome =
  | { kind: 'begun'; runId: string; total: { count: number; bytes: number } }
  | ({ kind: 'moved' } & ObjectWithAssets)
  | ({ kind: 'would-move' } & ObjectWithAssets)
  /** `ids` as of what failed. */
  | { kind: 'skipped'; ids: string[]; reason: MigrateSkipReason }
  /** `ids` are those of the object's assets; its own if it has none. */
  | { kind: 'failed'; ids: string[]; failure: FailureRecord }
  /**
   * Once a second: the content that is on its way, as far as it has passed through this process; and the objects of
   * another run, or of one that died, that are waited for.
   */
  | { kind: 'progress'; underWay: number; awaited: number }
  /** Assets that match and are still in the source. */
  | { kind: 'ended'; remaining: number };

/** An object that is to move. */
export interface Candidate {
  source: ObjectRecord;
  /** What a public object tells a browser. */
  headers?: PutOptions;
  /** A former copy stays one, for so long. */
  retainSeconds?: number;
}

export interface MigrateRun {
  id: string;
  context: OperationContext;
  request: MigrateRequest;
  from: StorageBackend;
  to: StorageBackend;
  /** On performance.now(). */
  deadline: number;
  /** Why nothing more can be moved: the destination is full, the credentials have expired. */
  halted: Error | undefined;
  /** What kept the fate of an object from being told: the run ends with it. */
  broken: Error | undefined;
  /** Bytes of content by the id of the object that is copied. */
  underWay: Map<string, number>;
  /** Objects that another run holds, and that this one comes back to. */
  awaited: number;
  /** Ids of new objects whose copy was given up while the destination may be fetching their bytes still. */
  uncertain: Set<string>;
  skipped: number;
  emit: (outcome: MigrateOutcome) => void;
}

/** No new work is taken; what is under way is finished. */
export function mustStop({ context, deadline, halted }: MigrateRun): boolean {
  return halted !== undefined || context.signal.aborted || performance.now() >= deadline;
}
