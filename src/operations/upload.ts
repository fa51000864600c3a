import type { Catalog } from '../catalog/catalog.ts';
import { toFailure } from '../core/errors.ts';
import type { OperationContext } from './context.ts';
import { openOwnStore } from './own-store.ts';
import { readOptions } from './read-options.ts';
import { leaveOutExisting, repeatedOutcome, separateRepeats } from './upload-existing.ts';
import { storeGroup } from './upload-group.ts';
import { prepareGroups } from './upload-prepare.ts';
import {
  failed,
  type PreparationFailure,
  type PreparedFile,
  type UploadOutcome,
  type UploadRequest,
} from './upload-request.ts';
import { knownVerdicts, refuseKnown, scanFiles, startScans, type UploadScans } from './upload-scan.ts';
import type { UploadSource } from './upload-sources.ts';

const NO_REPEATS: ReadonlyMap<UploadSource, UploadSource> = new Map();

/**
 * Validates, fingerprints and stores files, and yields each result after its commit, in the order
 * of the sources. One bad file never stops the others. Refusals of files go into the audit trail.
 * @throws AssetError if the store or the catalog cannot be used at all
 */
export async function* upload(context: OperationContext, request: UploadRequest): AsyncGenerator<UploadOutcome> {
  const store = await openOwnStore(context, request.backend);
  const reading = readOptions(context, request, store.features);
  const scans = startScans(true);
  let underWay: Promise<UploadOutcome[]> | undefined;
  for await (const group of prepareGroups(context, request, reading)) {
    // The next group is read while this one is being made durable.
    const previous = underWay;
    const storing = (previous ?? Promise.resolve()).then(() => finishGroup(context, request, scans, group));
    // Its failure is met at the await below, or by the caller's next turn.
    storing.catch(() => undefined);
    underWay = storing;
    if (previous !== undefined) yield* await previous;
  }
  if (underWay !== undefined) yield* await underWay;
}

async function finishGroup(
  context: OperationContext,
  request: UploadRequest,
  scans: UploadScans,
  group: readonly (PreparedFile | PreparationFailure)[],
): Promise<UploadOutcome[]> {
  const outcomes = new Map<UploadSource, UploadOutcome>();
  const prepared: PreparedFile[] = [];
  for (const item of group) {
    if ('content' in item) prepared.push(item);
    else outcomes.set(item.source, failed(item.source, item.error));
  }
  const takeAccepted = (items: readonly (PreparedFile | PreparationFailure)[]): PreparedFile[] =>
    items.flatMap((item) => {
      if ('content' in item) return item;
      outcomes.set(item.source, failed(item.source, item.error));
      return [];
    });
  try {
    const known = await knownVerdicts(context, prepared);
    const decent = takeAccepted(prepared.map((file) => refuseKnown(file, known) ?? file));
    const fresh = request.skipExisting ? await leaveOutExisting(context, request, decent, outcomes) : decent;
    const { first, repeats } = request.skipExisting ? separateRepeats(fresh) : { first: fresh, repeats: NO_REPEATS };
    const scanned = takeAccepted(await scanFiles(context, scans, first, known, request.concurrency));
    for (const [source, outcome] of await storeGroup(context, request, scanned)) outcomes.set(source, outcome);
    for (const [source, earlier] of repeats) outcomes.set(source, repeatedOutcome(source, outcomes.get(earlier)));
  } finally {
    await Promise.all(prepared.map((file) => file.content.close()));
  }
  const inOrder = group.flatMap((item) => outcomes.get(item.source) ?? []);
  await recordRefusals(context, request, inOrder);
  return inOrder;
}

async function recordRefusals(
  context: OperationContext,
  request: UploadRequest,
  outcomes: readonly UploadOutcome[],
): Promise<void> {
  const events = outcomes.flatMap((outcome) => {
    if (outcome.kind !== 'failed') return [];
    return {
      actor: context.identity.user,
      organizationId: context.identity.organization,
      action: 'uploaded',
      assetId: null,
      outcome: 'refused' as const,
      details: { source: outcome.source, assetType: request.assetType, ...outcome.failure },
    };
  });
  if (events.length === 0) return;
  try {
    const catalog: Catalog = await context.catalog();
    await catalog.audit.record(events, context.audit);
  } catch (error) {
    context.warn(`${events.length} refusals are missing from the audit trail: ${toFailure(error).message}`);
  }
}
