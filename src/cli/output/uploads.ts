import type { Asset } from '../../core/asset.ts';
import { formatSize } from '../../core/size.ts';
import type { PlannedUpload } from '../../operations/upload/plan-upload.ts';
import type { UploadOutcome } from '../../operations/upload/upload-request.ts';
import type { Invocation } from '../command.ts';
import { ASSET_COLUMNS } from './assets.ts';
import { type RunReport, reportRun } from './runs.ts';
import type { Column } from './table.ts';

type Uploaded = Exclude<UploadOutcome, { kind: 'failed' }>;
type Planned = Exclude<PlannedUpload, { kind: 'failed' }>;

/** Of the new assets: how many, how many of them on bytes that were stored already, and their content's bytes. */
interface Counts {
  uploaded: number;
  deduplicated: number;
  /** Found by --skip-existing. */
  existing: number;
  bytes: number;
  /** Without a verdict of a virus scan. */
  unscanned: number;
}

/** Prints the assets of an upload. */
export function reportUploads(invocation: Invocation, outcomes: AsyncIterable<UploadOutcome>): Promise<number> {
  const counts = noCounts();
  const report: RunReport<UploadOutcome, Uploaded> = {
    shape: { listName: 'assets', toJson: uploadedJson, columns: uploadedColumns() },
    toItem: (outcome) => (outcome.kind === 'failed' ? failedItem(outcome) : { item: outcome }),
    count: (outcome) => {
      if (outcome.kind === 'uploaded') {
        addStored(counts, outcome.deduplicated, outcome.asset.fileSize);
        if (outcome.asset.virusScanStatus === 'PENDING') counts.unscanned += 1;
      } else if (outcome.kind === 'existing') counts.existing += 1;
    },
    summary: (failed) => summaryOf(counts, failed, false),
    describe: (failed) => describe(counts, failed, 'stored'),
  };
  return reportRun(invocation, outcomes, report);
}

/** Prints what an upload would store or refuse. */
export function reportPlan(invocation: Invocation, outcomes: AsyncIterable<PlannedUpload>): Promise<number> {
  const counts = noCounts();
  const report: RunReport<PlannedUpload, Planned> = {
    shape: { listName: 'assets', toJson: plannedJson, columns: PLAN_COLUMNS },
    toItem: (outcome) => (outcome.kind === 'failed' ? failedItem(outcome) : { item: outcome }),
    count: (outcome) => {
      if (outcome.kind === 'would-store') addStored(counts, outcome.deduplicated, outcome.fileSize);
      else if (outcome.kind === 'existing') counts.existing += 1;
    },
    summary: (failed) => summaryOf(counts, failed, true),
    describe: (failed) => describe(counts, failed, 'would be stored'),
  };
  return reportRun(invocation, outcomes, report);
}

function failedItem({ source, failure }: Extract<UploadOutcome, { kind: 'failed' }>) {
  return { subject: source, identity: { source }, failure };
}

function noCounts(): Counts {
  return { uploaded: 0, deduplicated: 0, existing: 0, bytes: 0, unscanned: 0 };
}

function addStored(counts: Counts, deduplicated: boolean, bytes: number): void {
  counts.uploaded += 1;
  counts.deduplicated += deduplicated ? 1 : 0;
  counts.bytes += bytes;
}

function summaryOf(counts: Counts, failed: number, dryRun: boolean) {
  const { uploaded, deduplicated, existing, bytes } = counts;
  return { uploaded, deduplicated, existing, failed, bytes, dryRun };
}

function describe(counts: Counts, failed: number, verb: string): string {
  const parts = [`${counts.uploaded} ${verb} (${formatSize(counts.bytes)})`];
  if (counts.deduplicated > 0) parts.push(`${counts.deduplicated} of them on bytes that were there already`);
  if (counts.unscanned > 0) parts.push(`${counts.unscanned} PENDING a virus scan`);
  if (counts.existing > 0) parts.push(`${counts.existing} existed`);
  if (failed > 0) parts.push(`${failed} ${verb === 'stored' ? 'failed' : 'would be refused'}`);
  return parts.join(', ');
}

function uploadedJson(outcome: Uploaded): object {
  const existing = outcome.kind === 'existing';
  const deduplicated = existing || outcome.deduplicated;
  return { ...outcome.asset, source: outcome.source, deduplicated, existing };
}

function plannedJson(outcome: Planned): object {
  const { kind, ...facts } = outcome;
  return kind === 'existing' ? { ...facts, deduplicated: true, existing: true } : { ...facts, existing: false };
}

function uploadedColumns(): Column<Uploaded>[] {
  return ASSET_COLUMNS.map((column) => ofAsset(column));
}

function ofAsset(column: Column<Asset>): Column<Uploaded> {
  const { short, value, ...rest } = column;
  const own = { ...rest, value: (outcome: Uploaded) => value(outcome.asset) };
  if (short === undefined) return own;
  return { ...own, short: { ...short, value: (outcome: Uploaded) => short.value(outcome.asset) } };
}

const PLAN_COLUMNS: readonly Column<Planned>[] = [
  { header: 'WOULD', value: verbOf, width: 8 },
  {
    header: 'SIZE',
    value: (plan) => (plan.kind === 'existing' ? '-' : formatSize(plan.fileSize)),
    width: 8,
    align: 'right',
  },
  { header: 'CONTENT TYPE', value: (plan) => (plan.kind === 'existing' ? '-' : plan.mimeType), width: 24, from: 72 },
  { header: 'SOURCE', value: (plan) => plan.source, width: 12, flexible: true },
];

function verbOf(plan: Planned): string {
  if (plan.kind === 'existing') return 'skip';
  return plan.deduplicated ? 'attach' : 'store';
}
