import type { NewAuditEvent, VerifyProgress } from '../../catalog/catalog.ts';
import { decideOnMaintenance } from '../../core/access-policy.ts';
import { toFailure } from '../../core/errors.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import { keyOrganization } from '../../core/storage-key.ts';
import { organizationScope } from '../assets/organization-scope.ts';
import { mapInOrder } from '../concurrently.ts';
import type { OperationContext } from '../context.ts';
import { requireMaintenance } from '../maintenance-rights.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import { openStoresInUse } from '../stores/stores-in-use.ts';
import { repairFinding } from './repair.ts';
import { type Compared, compareWithListing } from './verify-compare.ts';
import { examineSuspect, type Verdict } from './verify-look-again.ts';
import { foundBefore } from './verify-resume.ts';
import type { Finding, Repair, Suspect, Verification, VerifyOutcome, VerifyRequest } from './verify-run.ts';

/** How many suspects are looked at at once: hashing is bound by the store and by one core. */
const LOOKS_AT_ONCE = 4;
/** Comparisons between two signs of life. */
const COMPARED_AT_ONCE = 1000;
const SAVE_PROGRESS_MILLISECONDS = 5000;
const EVERYTHING = '*';
const AT_THE_BEGINNING = '';

/**
 * Compares database and storage, backend by backend, and yields what is wrong on either side; with `repair` puts it
 * right as far as that can be. Every finding is looked at again first, and goes into the audit trail.
 * @throws AssetError NOT_PERMITTED, CONFIG_INVALID for a backend that is none
 */
export async function* verify(context: OperationContext, request: VerifyRequest): AsyncGenerator<VerifyOutcome> {
  const scope = await checkVerification(context, request);
  const { usable, broken } = await openStoresInUse(context, request.backend);
  const touchesOrphans = decideOnMaintenance(context.identity, 'touch-leftovers') === 'allow';
  const organizations = recentOrganizations(context);
  for (const store of usable.values()) {
    if (context.signal.aborted) return;
    yield* verifyBackend({ context, request, store, touchesOrphans, organizations }, scope);
  }
  const catalog = await context.catalog();
  for (const [backend, error] of broken) {
    // A backend that holds nothing may have been taken out of the configuration.
    const [row] = await catalog.inventory.page({ backend, prefix: '', withChecksums: false }, 1);
    if (row !== undefined) yield { kind: 'failed', backend, failure: toFailure(error) };
  }
}

const MINUTE = 60_000;

/** Each orphan asks; an organisation that is new since has no bytes that are old enough for one. */
function recentOrganizations(context: OperationContext): Verification['organizations'] {
  let known: { since: number; names: readonly string[] } | undefined;
  return async () => {
    if (known !== undefined && performance.now() - known.since < MINUTE) return known.names;
    const since = performance.now();
    const catalog = await context.catalog();
    known = { since, names: await catalog.purge.organizations({ allOrganizations: true }) };
    return known.names;
  };
}

/**
 * What can be said before anything is compared, or anyone is asked.
 * @throws AssetError NOT_PERMITTED, CONFIG_INVALID for a backend that is none
 */
export async function checkVerification(
  context: OperationContext,
  { allOrganizations, backend }: VerifyRequest,
): Promise<OrganizationScope> {
  requireMaintenance(context, 'verify');
  const scope = organizationScope(context.identity, allOrganizations);
  if (backend !== undefined) await context.backends.open(backend);
  return scope;
}

async function* verifyBackend(verification: Verification, scope: OrganizationScope): AsyncGenerator<VerifyOutcome> {
  const { context, request, store } = verification;
  const catalog = await context.catalog();
  const scopeName = 'organization' in scope ? scope.organization : EVERYTHING;
  const before = request.resume ? await catalog.inventory.progress(store.name, scopeName) : undefined;
  let savedAt = performance.now();
  try {
    const known = new Set<string>();
    if (before !== undefined) yield* examineAgain(verification, scope, before, known);
    else if (request.deep) await beginProgress(context, store.name, scopeName);
    for (const { prefix, startAfter } of ranges(scope, before?.position)) {
      for await (const steps of inChunks(compareWithListing(verification, prefix, startAfter))) {
        yield* examine(verification, steps, known);
        const last = steps.at(-1);
        const isDue = request.deep && performance.now() - savedAt > SAVE_PROGRESS_MILLISECONDS;
        if (last !== undefined && (isDue || (request.deep && context.signal.aborted))) {
          await catalog.inventory.saveProgress(store.name, scopeName, last.path);
          savedAt = performance.now();
        }
        if (context.signal.aborted) return;
      }
    }
    if (request.deep) await catalog.inventory.clearProgress(store.name, scopeName);
  } catch (error) {
    if (context.signal.aborted) return;
    yield { kind: 'failed', backend: store.name, failure: toFailure(asAssetError(error)) };
  }
}

/** From now on, whatever is found belongs to this verification, and to those that go on with it. */
async function beginProgress(context: OperationContext, backend: string, scopeName: string): Promise<void> {
  const catalog = await context.catalog();
  await catalog.inventory.clearProgress(backend, scopeName);
  await catalog.inventory.saveProgress(backend, scopeName, AT_THE_BEGINNING);
}

/** A report is of the whole verification: what was found before it was interrupted too, if it still is so. */
async function* examineAgain(
  verification: Verification,
  scope: OrganizationScope,
  before: VerifyProgress,
  known: Set<string>,
): AsyncGenerator<VerifyOutcome> {
  for await (const suspect of foundBefore(verification, scope, before)) {
    known.add(suspect.path);
    yield* settle(verification, await examineSuspect(verification, suspect));
  }
}

/** Where an organisation's keys lie, in byte order; from a position on, if there is one. */
function ranges(
  scope: OrganizationScope,
  position: string | undefined,
): { prefix: string; startAfter: string | undefined }[] {
  const prefixes =
    'organization' in scope
      ? ['', 'lost+found/', 'public/', 'quarantine/'].map((place) => `${place}${scope.organization}/`)
      : [''];
  if (position === undefined || position === AT_THE_BEGINNING)
    return prefixes.map((prefix) => ({ prefix, startAfter: undefined }));
  const at = prefixes.findIndex((prefix) => position.startsWith(prefix));
  return prefixes
    .slice(Math.max(at, 0))
    .map((prefix, index) => ({ prefix, startAfter: index === 0 && at >= 0 ? position : undefined }));
}

async function* inChunks(steps: AsyncIterable<Compared>): AsyncGenerator<Compared[]> {
  let chunk: Compared[] = [];
  let count = 0;
  let suspects = 0;
  for await (const step of steps) {
    chunk.push(step);
    count += step.count;
    if (step.suspect !== undefined) suspects += 1;
    if (count < COMPARED_AT_ONCE && suspects < LOOKS_AT_ONCE * 8) continue;
    yield chunk;
    chunk = [];
    count = 0;
    suspects = 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** `known` has been looked at already. */
async function* examine(
  verification: Verification,
  steps: readonly Compared[],
  known: ReadonlySet<string>,
): AsyncGenerator<VerifyOutcome> {
  const suspects = steps.flatMap(({ path, suspect }) => (suspect === undefined || known.has(path) ? [] : suspect));
  for await (const verdict of mapInOrder(suspects, LOOKS_AT_ONCE, (suspect) => examineSuspect(verification, suspect))) {
    yield* settle(verification, verdict);
  }
  yield { kind: 'checked', count: steps.reduce((sum, { count }) => sum + count, 0) };
}

async function* settle(verification: Verification, verdict: Verdict): AsyncGenerator<VerifyOutcome> {
  const { context, request, store } = verification;
  const catalog = await context.catalog();
  if (verdict.kind === 'finding') {
    const { finding, row, found } = verdict;
    await record(context, finding, 'verified', 'failed', finding.detail);
    const repair = request.repair ? await repairFinding(verification, finding, row, found) : null;
    if (repair !== null) await recordRepair(context, finding, repair);
    yield { kind: 'finding', finding: { ...finding, repair } };
  }
  if (verdict.kind === 'unknown') {
    const { suspect, error } = verdict;
    const failure = toFailure(asAssetError(error));
    await recordUnknown(context, store.name, suspect, failure.message);
    yield { kind: 'failed', backend: store.name, storagePath: suspect.path, failure };
  }
  if (!request.repair) return;
  if (verdict.kind === 'touched') await catalog.inventory.noteEtag(verdict.row, verdict.etag);
  if (verdict.kind === 'healed') {
    await catalog.inventory.mark(context.identity, verdict.row, false, { finding: 'healed' }, context.audit);
    yield { kind: 'healed', backend: store.name, storagePath: verdict.row.storagePath };
  }
}

/** What concerns assets is recorded with the change of each, in its transaction. */
async function recordRepair(context: OperationContext, finding: Finding, repair: Repair): Promise<void> {
  if (repair.kind === 'failed') {
    await record(context, finding, 'repaired', 'failed', repair.failure.message);
  } else if (finding.kind === 'orphaned' || finding.kind === 'abandoned') {
    await record(context, finding, 'repaired', 'success', repair.how);
  }
}

/** So that whoever goes on with an interrupted verification looks at it again. */
async function recordUnknown(
  context: OperationContext,
  backend: string,
  { kind: suspect, path }: Suspect,
  why: string,
): Promise<void> {
  const event: NewAuditEvent = {
    actor: context.identity.user,
    organizationId: keyOrganization(path),
    action: 'verified',
    assetId: null,
    outcome: 'failed',
    details: { finding: 'unknown', suspect, backend, storagePath: path, objectId: null, detail: why },
  };
  const catalog = await context.catalog();
  await catalog.audit.record([event], context.audit);
}

/** One event for each asset, or one for what no asset needs. */
async function record(
  context: OperationContext,
  finding: Finding,
  action: 'verified' | 'repaired',
  outcome: NewAuditEvent['outcome'],
  detail: string,
): Promise<void> {
  const { kind, backend, storagePath, organizationId, objectId } = finding;
  const assetIds = finding.assetIds.length === 0 ? [null] : finding.assetIds;
  const events = assetIds.map(
    (assetId): NewAuditEvent => ({
      actor: context.identity.user,
      organizationId,
      action,
      assetId,
      outcome,
      details: { finding: kind, backend, storagePath, objectId, detail },
    }),
  );
  const catalog = await context.catalog();
  await catalog.audit.record(events, context.audit);
}
