import type { FoundVerdict, RecordedFinding, ScanFinding, ScanJob } from '../../catalog/catalog.ts';
import type { atMost } from '../../core/at-most.ts';
import { AssetError, toFailure } from '../../core/errors.ts';
import { whileRenewing } from '../leases.ts';
import { treatInfected } from './infected-content.ts';
import { scanContent } from './scan-content.ts';
import { mustStop, type ScanOutcome, type ScanRun } from './scan-run.ts';

/** A claimed content, its contentKey, and an asset by which failures name it. */
export interface NamedJob extends ScanJob {
  key: string;
  assetId: string;
}

type Scanned =
  | { kind: 'found'; job: NamedJob; verdict: FoundVerdict }
  /** Infected: written down and dealt with already. */
  | { kind: 'settled'; outcome: ScanOutcome }
  | { kind: 'failed'; job: NamedJob; error: unknown }
  /** No asset has it any more. */
  | { kind: 'gone'; job: NamedJob }
  | { kind: 'not-begun'; job: NamedJob };

/**
 * Judges claimed contents, as many at once as `limit` lets through, while their leases are renewed. What is infected is
 * written down and dealt with at once, the rest in one transaction at the end.
 */
export async function scanBatch(
  run: ScanRun,
  jobs: readonly NamedJob[],
  limit: ReturnType<typeof atMost>,
): Promise<ScanOutcome[]> {
  const { context } = run;
  const catalog = await context.catalog();
  const renew = () => catalog.verdicts.renew(jobs, context.leaseSeconds);
  return whileRenewing(context, renew, async () => {
    const scanned = await Promise.all(jobs.map((job) => limit(() => scanOne(run, job))));
    const given = scanned.flatMap((each) => (each.kind === 'found' || each.kind === 'settled' ? [] : each.job));
    if (given.length > 0) await catalog.verdicts.release(given);
    const found = scanned.filter((each) => each.kind === 'found');
    const recorded = await catalog.verdicts.record(
      context.identity,
      found.map(({ job, verdict }) => findingOf(run, job, verdict)),
      context.audit,
    );
    const outcomes: ScanOutcome[] = [];
    for (const [index, { job }] of found.entries()) {
      const outcome = outcomeOf(job, recorded[index]);
      outcomes.push(isInfected(outcome) ? await dealWith(run, outcome) : outcome);
    }
    for (const each of scanned) {
      if (each.kind === 'settled') outcomes.push(each.outcome);
      else if (each.kind === 'gone') outcomes.push({ kind: 'skipped', count: 1 });
      else if (each.kind === 'failed') {
        outcomes.push({ kind: 'failed', id: each.job.assetId, failure: toFailure(each.error) });
      }
    }
    return outcomes;
  });
}

async function scanOne(run: ScanRun, job: NamedJob): Promise<Scanned> {
  if (mustStop(run)) return { kind: 'not-begun', job };
  try {
    const judged = await scanContent(run, job);
    if (judged === undefined) return { kind: 'gone', job };
    const { status, result, signatureVersion } = judged;
    const verdict = { status, result, signatureVersion };
    if (status !== 'INFECTED') return { kind: 'found', job, verdict };
    return { kind: 'settled', outcome: await settleInfected(run, job, verdict) };
  } catch (error) {
    // Whoever comes next would wait for the same scanner in vain.
    if (error instanceof AssetError && error.code === 'SCANNER_UNAVAILABLE') {
      run.fatal ??= error;
      return { kind: 'not-begun', job };
    }
    run.failed.add(job.key);
    return { kind: 'failed', job, error };
  }
}

/** First the verdict with what is wanted, then the deed: killed in between, the next scan or purge-expired does it. */
async function settleInfected(run: ScanRun, job: NamedJob, verdict: FoundVerdict): Promise<ScanOutcome> {
  const { context } = run;
  const catalog = await context.catalog();
  const [recorded] = await catalog.verdicts.record(context.identity, [findingOf(run, job, verdict)], context.audit);
  const outcome = outcomeOf(job, recorded);
  return isInfected(outcome) ? dealWith(run, outcome) : outcome;
}

type Judged = Extract<ScanOutcome, { kind: 'judged' }>;

/** Also what was known as such and could not be fully examined now. */
function isInfected(outcome: ScanOutcome): outcome is Judged {
  return outcome.kind === 'judged' && outcome.verdict.status === 'INFECTED';
}

async function dealWith({ context, request }: ScanRun, outcome: Judged): Promise<ScanOutcome> {
  const { organizationId, sha256 } = outcome;
  const signature = outcome.verdict.result ?? 'unknown signature';
  const content = { organizationId, sha256, wanted: request.onInfected, signature };
  return { ...outcome, treatment: await treatInfected(context, content) };
}

function findingOf({ request }: ScanRun, job: NamedJob, verdict: FoundVerdict): ScanFinding {
  const { organizationId, sha256, claim } = job;
  return { organizationId, sha256, claim, verdict, onInfected: request.onInfected };
}

function outcomeOf(job: NamedJob, recorded: RecordedFinding | undefined): ScanOutcome {
  if (recorded === undefined) throw new Error('the catalog answered fewer verdicts than were written');
  // Our lease ran out, and another has taken the content over.
  if (recorded.kind === 'lost') return { kind: 'skipped', count: 1 };
  const { organizationId, sha256, copies } = job;
  const { verdict, assetIds } = recorded;
  return { kind: 'judged', verdict, organizationId, sha256, bytes: copies[0]?.size ?? 0, assetIds };
}
