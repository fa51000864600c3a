import type { FailureRecord } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import type { MigrateOutcome, MigrateSkipReason, Place } from '../../operations/moving/migrate-run.ts';
import type { Invocation } from '../command.ts';
import { describeProgress, type MigrationProgress } from './migration-progress.ts';
import { reportRun } from './runs.ts';
import type { Column } from './table.ts';

interface Moved {
  id: string;
  organizationId: string;
  bytes: number;
  from: string;
  to: string;
  moved: boolean;
}

type Line =
  | { kind: 'moved'; line: Moved }
  | { kind: 'skipped'; id: string; reason: MigrateSkipReason }
  | { kind: 'failed'; id: string; failure: FailureRecord };

interface Totals {
  run: string;
  expected: { count: number; bytes: number };
  migrated: number;
  objects: number;
  bytes: number;
  skipped: number;
  skippedFor: Map<MigrateSkipReason, number>;
  failedAssets: number;
  remaining: number;
  /** Content, counted for each asset. */
  contentBytes: number;
  /** Of objects that are on their way. */
  underWay: number;
  awaited: number;
  startedAt: number;
}

/** Shows a migration as it goes, with a bar where a terminal is, and returns its exit status. */
export function reportMigration(
  invocation: Invocation,
  outcomes: AsyncIterable<MigrateOutcome>,
  dryRun: boolean,
): Promise<number> {
  const totals: Totals = {
    run: '',
    expected: { count: 0, bytes: 0 },
    migrated: 0,
    objects: 0,
    bytes: 0,
    skipped: 0,
    skippedFor: new Map(),
    failedAssets: 0,
    remaining: 0,
    contentBytes: 0,
    underWay: 0,
    awaited: 0,
    startedAt: performance.now(),
  };
  return reportRun<Line | 'tick', Moved>(invocation, linesOf(outcomes, totals), {
    shape: { toJson: ({ moved, ...line }) => ({ ...line, dryRun: !moved }), columns: COLUMNS, skips: true },
    toItem: (line) => {
      if (line === 'tick') return undefined;
      if (line.kind === 'moved') return { item: line.line };
      if (line.kind === 'skipped') return { subject: line.id, identity: { id: line.id }, reason: line.reason };
      return { subject: line.id, identity: { id: line.id }, failure: line.failure };
    },
    count: () => undefined,
    summary: (failed) => {
      const { run, migrated, objects, bytes, skipped, remaining } = totals;
      const seconds = Math.round(performance.now() - totals.startedAt) / 1000;
      // What changes nothing is not recorded: no report would know it.
      const recorded = dryRun ? {} : { run };
      return { ...recorded, migrated, objects, bytes, skipped, failed, remaining, seconds, dryRun };
    },
    describe: (failed) => describe(totals, failed, dryRun),
    progress: (failed) => describeProgress(progressOf(totals, failed), invocation.output.err.columns),
  });
}

async function* linesOf(outcomes: AsyncIterable<MigrateOutcome>, totals: Totals): AsyncGenerator<Line | 'tick'> {
  for await (const outcome of outcomes) {
    switch (outcome.kind) {
      case 'begun':
        totals.run = outcome.runId;
        totals.expected = outcome.total;
        break;
      case 'skipped':
        totals.skipped += outcome.ids.length;
        totals.skippedFor.set(outcome.reason, (totals.skippedFor.get(outcome.reason) ?? 0) + outcome.ids.length);
        for (const id of outcome.ids) yield { kind: 'skipped', id, reason: outcome.reason };
        break;
      case 'ended':
        totals.remaining = outcome.remaining;
        break;
      case 'progress':
        totals.underWay = outcome.underWay;
        totals.awaited = outcome.awaited;
        break;
      case 'failed':
        totals.failedAssets += outcome.ids.length;
        for (const id of outcome.ids) yield { kind: 'failed', id, failure: outcome.failure };
        break;
      default:
        totals.objects += 1;
        totals.bytes += outcome.source.storedSize;
        totals.migrated += outcome.assets.length;
        totals.contentBytes += outcome.assets.reduce((sum, { fileSize }) => sum + fileSize, 0);
        // It was on its way when that was last told.
        totals.underWay = Math.max(0, totals.underWay - outcome.source.size);
        yield* outcome.assets.map((asset): Line => {
          const { id, organizationId, fileSize: bytes } = asset;
          const { source, to, kind } = outcome;
          const moved = kind === 'moved';
          const from = `${source.backend}:${source.storagePath}`;
          // A private object gets a fresh key when it moves.
          return {
            kind: 'moved',
            line: { id, organizationId, bytes, from, to: moved ? placeOf(to) : to.backend, moved },
          };
        });
    }
    yield 'tick';
  }
}

function placeOf({ backend, storagePath }: Place): string {
  return `${backend}:${storagePath}`;
}

function progressOf(totals: Totals, failed: number): MigrationProgress {
  const { expected, migrated, failedAssets, skipped, awaited } = totals;
  return {
    expected,
    moved: migrated,
    settled: failedAssets + skipped,
    bytes: totals.contentBytes + totals.underWay,
    failed,
    awaited,
    seconds: (performance.now() - totals.startedAt) / 1000,
  };
}

function describe(
  { run, migrated, objects, bytes, skipped, skippedFor, remaining }: Totals,
  failed: number,
  dryRun: boolean,
): string {
  const verb = dryRun ? 'would be migrated' : 'migrated';
  const parts = [`${migrated} ${verb} (${objects} objects, ${formatSize(bytes)})`];
  const reasons = [...skippedFor].map(([reason, count]) => `${count} ${reason}`).join(', ');
  if (skipped > 0) parts.push(`${skipped} skipped (${reasons})`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (remaining > 0) parts.push(`${remaining} still in the source`);
  return dryRun || run === '' ? parts.join(', ') : `${parts.join(', ')}; run ${run}`;
}

const COLUMNS: readonly Column<Moved>[] = [
  {
    header: 'ID',
    value: ({ id }) => id,
    width: 36,
    short: { below: 100, width: 8, value: ({ id }) => id.slice(0, 8) },
  },
  { header: 'BYTES', value: ({ bytes }) => formatSize(bytes), width: 8, align: 'right' },
  { header: 'RESULT', value: ({ moved }) => (moved ? 'migrated' : 'would be migrated'), width: 17 },
  { header: 'TO', value: ({ to }) => to, width: 30, flexible: true },
];
