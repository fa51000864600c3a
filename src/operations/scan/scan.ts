import { setTimeout as sleep } from 'node:timers/promises';
import type { ScanCondition, ScanJob } from '../../catalog/catalog.ts';
import { atMost } from '../../core/at-most.ts';
import { AssetError } from '../../core/errors.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import { createLender } from '../../core/lent-memory.ts';
import { SCAN_MARGIN } from '../../scan/scanner.ts';
import type { OperationContext } from '../context.ts';
import { requireMaintenance } from '../maintenance-rights.ts';
import { finishInfected } from './finish-infected.ts';
import { type NamedJob, scanBatch } from './scan-batch.ts';
import { LARGEST_IN_MEMORY } from './scan-content.ts';
import { mustStop, type ScanOutcome, type ScanRequest, type ScanRun } from './scan-run.ts';
import { contentKey, type NamedContent, type ScanPage, type ScanPart, scanParts } from './scan-selection.ts';

/** Contents that are claimed at once: few enough that hosts share a page of assets. */
const BATCH_SIZE = 100;
/** One is scanned while the next is claimed and written down. */
const BATCHES_AT_ONCE = 2;
const BUSY_PAUSE_MILLISECONDS = 50;
const LONGEST_PAUSE_MILLISECONDS = 4000;
/** Of pieces of memory that are used again. */
const MOST_LENT = 16;

/**
 * Has stored contents judged, each once however many assets share it, and deals with what is infected. Any number of
 * hosts may run it at once; killed anywhere, the next run goes on.
 * @throws AssetError NOT_PERMITTED, USAGE, SCANNER_UNAVAILABLE (also in the midst; what was yielded is done)
 */
export async function* scanAssets(context: OperationContext, request: ScanRequest): AsyncGenerator<ScanOutcome> {
  const run = await begin(context, request);
  const { signatureVersion } = await run.scanner.version(context.signal);
  const { selection } = request;
  if (selection.kind === 'filter' && selection.which === 'stale' && signatureVersion === null) throw unnumbered();
  yield* finishEarlier(context, scopeOf(context, request));
  for await (const part of scanParts(run, signatureVersion)) {
    for await (const outcomes of scanPart(run, part)) for (const outcome of outcomes) yield outcome;
    if (mustStop(run)) break;
  }
  if (run.fatal !== undefined) throw run.fatal;
}

/** What an interrupted scan found, but had no time to deal with. */
async function* finishEarlier(context: OperationContext, scope: OrganizationScope): AsyncGenerator<ScanOutcome> {
  for await (const { content, treatment } of finishInfected(context, scope)) {
    const { organizationId, sha256, assetIds, signature: result } = content;
    const verdict = { status: 'INFECTED' as const, result, signatureVersion: content.signatureVersion };
    yield { kind: 'judged', verdict, organizationId, sha256, bytes: 0, assetIds, treatment };
  }
}

async function begin(context: OperationContext, request: ScanRequest): Promise<ScanRun> {
  requireMaintenance(context, 'scan');
  return {
    context,
    request,
    scanner: await context.scanning.scanner(),
    lend: createLender(LARGEST_IN_MEMORY + 2 * SCAN_MARGIN, MOST_LENT),
    inHand: new Set(),
    failed: new Set(),
    busy: 0,
  };
}

function scopeOf({ identity }: OperationContext, { selection }: ScanRequest): OrganizationScope {
  return selection.kind === 'filter' ? selection.scope : { organization: identity.organization };
}

function unnumbered(): AssetError {
  return new AssetError('USAGE', "The scanner's signatures bear no number, so none are older than others", {
    hint: 'Use --all, or signatures that freshclam keeps up to date.',
  });
}

/** What others hold is come back to for as long as a lease, then left to them. */
async function* scanPart(run: ScanRun, part: ScanPart): AsyncGenerator<ScanOutcome[]> {
  const deadline = performance.now() + run.context.leaseSeconds * 1000;
  for (let pause = BUSY_PAUSE_MILLISECONDS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MILLISECONDS)) {
    run.busy = 0;
    const isFirst = pause === BUSY_PAUSE_MILLISECONDS;
    yield* scanPages(run, part, isFirst);
    if (run.busy === 0 || mustStop(run) || performance.now() > deadline) break;
    await sleep(pause);
  }
  if (mustStop(run)) return;
  if (run.busy > 0) yield [{ kind: 'skipped', count: run.busy }];
  else if (part.everythingOf !== undefined) {
    const catalog = await run.context.catalog();
    await catalog.verdicts.endRun(part.everythingOf.organization, part.everythingOf.startedAt);
  }
}

async function* scanPages(run: ScanRun, part: ScanPart, isFirst: boolean): AsyncGenerator<ScanOutcome[]> {
  const limit = atMost(run.request.concurrency);
  const underWay: Promise<ScanOutcome[]>[] = [];
  for await (const page of part.pages()) {
    if (isFirst) yield page.failed;
    for await (const jobs of claimPage(run, page)) {
      underWay.push(start(run, jobs, limit));
      if (underWay.length >= BATCHES_AT_ONCE) yield (await underWay.shift()) ?? [];
    }
  }
  for (const batch of underWay) yield await batch;
}

function start(run: ScanRun, jobs: readonly NamedJob[], limit: ReturnType<typeof atMost>): Promise<ScanOutcome[]> {
  for (const { key } of jobs) run.inHand.add(key);
  const batch = scanBatch(run, jobs, limit).finally(() => {
    for (const { key } of jobs) run.inHand.delete(key);
  });
  // Its failure is met where it is awaited, after the batch before it.
  batch.catch(() => undefined);
  return batch;
}

/** Claims the contents of a page that are due and free, batch by batch. */
async function* claimPage(run: ScanRun, { contents, condition }: ScanPage): AsyncGenerator<NamedJob[]> {
  let batch: NamedJob[] = [];
  for (let from = 0; from < contents.length; from += BATCH_SIZE) {
    for await (const jobs of claimSome(run, contents.slice(from, from + BATCH_SIZE), condition)) batch.push(...jobs);
    if (batch.length < BATCH_SIZE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** As many of these as are due and free, in as many steps as that takes. */
async function* claimSome(
  run: ScanRun,
  contents: readonly NamedContent[],
  condition: ScanCondition,
): AsyncGenerator<NamedJob[]> {
  const catalog = await run.context.catalog();
  const open = new Map(contents.map((content) => [contentKey(content), content]));
  while (!mustStop(run)) {
    const offered = [...open].flatMap(([key, content]) => (isOpen(run, key) ? content : []));
    if (offered.length === 0) return;
    const { jobs, busy, more } = await catalog.verdicts.claim(offered, condition, BATCH_SIZE, run.context.leaseSeconds);
    const named = jobs.map((job) => nameJob(job, open));
    for (const { key } of named) open.delete(key);
    if (named.length > 0) yield named;
    if (more === 0) {
      run.busy += busy;
      return;
    }
    if (named.length === 0) await sleep(BUSY_PAUSE_MILLISECONDS);
  }
}

function isOpen({ inHand, failed }: ScanRun, key: string): boolean {
  return !inHand.has(key) && !failed.has(key);
}

function nameJob(job: ScanJob, contents: ReadonlyMap<string, NamedContent>): NamedJob {
  const { organizationId, sha256, claim, copies } = job;
  const key = contentKey(job);
  return { organizationId, sha256, claim, copies, key, assetId: contents.get(key)?.assetId ?? '' };
}
