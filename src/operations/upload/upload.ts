import type { BackendFeatures } from '../../storage/backend.ts';
import type { OperationContext } from '../context.ts';
import { openOwnStore } from '../stores/own-store.ts';
import { readOptions } from './read-options.ts';
import { leaveOutExisting, repeatedOutcome, separateRepeats } from './upload-existing.ts';
import { storeGroup } from './upload-group.ts';
import { prepareGroups } from './upload-prepare.ts';
import { recordRefusals } from './upload-refusals.ts';
import {
  failed,
  type PacedRequest,
  type PreparationFailure,
  type PreparedFile,
  type UploadOutcome,
  type UploadRequest,
} from './upload-request.ts';
import { knownVerdicts, refuseKnown, scanFiles, startScans, type UploadScans } from './upload-scan.ts';
import type { UploadSource } from './upload-sources.ts';

const NO_REPEATS: ReadonlyMap<UploadSource, UploadSource> = new Map();

/**
 * While one group is stored the next is read. Where bytes travel, two are stored at once: those of one go out while the
 * rows of the other are committed. A disk would only be given more to do at a time.
 */
function groupsAtOnce({ groupDurability }: BackendFeatures): number {
  return groupDurability ? 1 : 2;
}

type FileGroup = readonly (PreparedFile | PreparationFailure)[];

interface GroupUnderWay {
  hashes: ReadonlySet<string>;
  outcomes: Promise<UploadOutcome[]>;
}

/**
 * Validates, fingerprints and stores files, and yields each result after its commit, in the order
 * of the sources. One bad file never stops the others. Refusals of files go into the audit trail.
 * @throws AssetError if the store or the catalog cannot be used at all
 */
export async function* upload(
  context: OperationContext,
  request: UploadRequest,
  scans: UploadScans = startScans(true),
): AsyncGenerator<UploadOutcome> {
  const store = await openOwnStore(context, request.backend);
  const paced = { ...request, concurrency: request.concurrency ?? store.features.concurrency };
  const reading = readOptions(context, request, store.features);
  const underWay: GroupUnderWay[] = [];
  try {
    for await (const group of prepareGroups(context, paced, reading)) {
      if (underWay.length === groupsAtOnce(store.features)) yield* await nextOutcomes(underWay);
      underWay.push(startGroup(underWay, group, () => finishGroup(context, paced, scans, group)));
    }
    while (underWay.length > 0) yield* await nextOutcomes(underWay);
  } finally {
    await Promise.allSettled(underWay.map(({ outcomes }) => outcomes));
  }
}

/** Groups with equal files take their turns, so that the later one finds what the earlier one stored. */
function startGroup(
  earlier: readonly GroupUnderWay[],
  group: FileGroup,
  finish: () => Promise<UploadOutcome[]>,
): GroupUnderWay {
  const hashes = new Set(group.flatMap((item) => ('content' in item ? item.content.sha256 : [])));
  const before = earlier.filter((other) => [...hashes].some((hash) => other.hashes.has(hash)));
  const outcomes = Promise.all(before.map((other) => other.outcomes)).then(finish);
  // Its failure is met in its turn.
  outcomes.catch(() => undefined);
  return { hashes, outcomes };
}

async function nextOutcomes(underWay: GroupUnderWay[]): Promise<UploadOutcome[]> {
  return (await underWay.shift()?.outcomes) ?? [];
}

async function finishGroup(
  context: OperationContext,
  request: PacedRequest,
  scans: UploadScans,
  group: FileGroup,
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
