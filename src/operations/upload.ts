import { availableParallelism } from 'node:os';
import type { Readable } from 'node:stream';
import type { Catalog, Expiry, FoundVerdict, SameUploadQuery } from '../catalog/catalog.ts';
import type { Content, ReadOptions } from '../content/content.ts';
import { readFileContent, readStreamContent } from '../content/read-content.ts';
import type { Asset, Tags } from '../core/asset.ts';
import { AssetError, type FailureRecord, toFailure } from '../core/errors.ts';
import type { OperationContext } from './context.ts';
import { openOwnStore } from './own-store.ts';
import { readOptions } from './read-options.ts';
import { storeGroup } from './upload-group.ts';
import { knownVerdicts, refuseKnown, scanFiles, startScans, type UploadScans } from './upload-scan.ts';
import type { UploadSource } from './upload-sources.ts';

export interface UploadRequest {
  sources: AsyncIterable<UploadSource>;
  /** What `-` reads. */
  standardInput?: Readable;
  backend: string;
  assetType: string;
  projectId: string | null;
  scanResultId: string | null;
  isPublic: boolean;
  tags: Tags;
  /** Give the identity's own asset of the same type, project, name and content instead of adding one. */
  skipExisting: boolean;
  /** Images are transformed as the configuration says; false: stored as they came. */
  optimize: boolean;
  /** Text is compressed at rest as the configuration says; false: never. */
  compress: boolean;
  /** Without it: as `retention` is configured for the type. */
  expiry?: Expiry;
  /** Files that are read and stored at once. */
  concurrency: number;
}

export type UploadOutcome =
  | { kind: 'uploaded'; source: string; asset: Asset; deduplicated: boolean }
  /** skipExisting found it. */
  | { kind: 'existing'; source: string; asset: Asset }
  | { kind: 'failed'; source: string; failure: FailureRecord };

/** A file on its way: read, judged and fingerprinted. */
export interface PreparedFile {
  source: UploadSource;
  content: Content;
  /** Of a scan in this upload. */
  verdict?: FoundVerdict;
}

const NO_REPEATS: ReadonlyMap<UploadSource, UploadSource> = new Map();

export type PreparationFailure = { source: UploadSource; error: unknown };

/**
 * Bulk uploads commit in groups: one transaction to reserve, one flush, one transaction to commit.
 * A group closes at whichever comes first; the bounds keep memory flat and an interrupted run cheap.
 */
const GROUP_FILES = 500;
const GROUP_BYTES = 8 * 2 ** 20;

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

/** Puts the assets that exist already into `outcomes` and returns the files that are new. */
async function leaveOutExisting(
  context: OperationContext,
  request: UploadRequest,
  files: readonly PreparedFile[],
  outcomes: Map<UploadSource, UploadOutcome>,
): Promise<PreparedFile[]> {
  const catalog = await context.catalog();
  const existing = await catalog.assets.sameUploads(
    context.identity,
    files.map((file) => sameUploadQuery(request, file)),
  );
  return files.filter((file, index) => {
    const asset = existing[index];
    if (asset === undefined) return true;
    outcomes.set(file.source, { kind: 'existing', source: file.source.label, asset });
    return false;
  });
}

export function sameUploadQuery(request: UploadRequest, file: PreparedFile): SameUploadQuery {
  return {
    assetType: request.assetType,
    projectId: request.projectId,
    originalFilename: file.source.name,
    fileHash: file.content.sha256,
    isPublic: request.isPublic,
  };
}

/** Equal name and content twice in one group: the second is the first one's asset, once that is stored. */
function separateRepeats(files: readonly PreparedFile[]): {
  first: PreparedFile[];
  repeats: Map<UploadSource, UploadSource>;
} {
  const firsts = new Map<string, UploadSource>();
  const repeats = new Map<UploadSource, UploadSource>();
  const first = files.filter((file) => {
    const key = `${file.content.sha256} ${file.source.name}`;
    const earlier = firsts.get(key);
    if (earlier === undefined) firsts.set(key, file.source);
    else repeats.set(file.source, earlier);
    return earlier === undefined;
  });
  return { first, repeats };
}

function repeatedOutcome(source: UploadSource, earlier: UploadOutcome | undefined): UploadOutcome {
  if (earlier?.kind === 'failed') return { ...earlier, source: source.label };
  if (earlier === undefined) return failed(source, new AssetError('INTERRUPTED', 'Stopped before it was stored'));
  return { kind: 'existing', source: source.label, asset: earlier.asset };
}

export function failed(source: UploadSource, error: unknown): Extract<UploadOutcome, { kind: 'failed' }> {
  return { kind: 'failed', source: source.label, failure: toFailure(error) };
}

/** Reads and judges the sources, a few at once, and gathers them into groups in their order. */
export async function* prepareGroups(
  context: OperationContext,
  request: UploadRequest,
  reading: ReadOptions,
): AsyncGenerator<(PreparedFile | PreparationFailure)[]> {
  let group: (PreparedFile | PreparationFailure)[] = [];
  let bytesInMemory = 0;
  let openFiles = 0;
  const closeGroup = () => {
    const closed = group;
    group = [];
    bytesInMemory = 0;
    openFiles = 0;
    return closed;
  };
  for await (const item of prepareInOrder(context, request, reading)) {
    group.push(item);
    if ('content' in item) {
      if (item.content.body.bytes === undefined) openFiles += 1;
      else bytesInMemory += item.content.size;
      bytesInMemory += item.content.untransformed?.body.bytes?.byteLength ?? 0;
    }
    if (group.length >= GROUP_FILES || bytesInMemory >= GROUP_BYTES || openFiles >= request.concurrency) {
      yield closeGroup();
    }
  }
  if (group.length > 0) yield group;
}

/** Decoding images keeps every processor busy; anything else is read faster than it is stored. */
async function* prepareInOrder(
  context: OperationContext,
  request: UploadRequest,
  reading: ReadOptions,
): AsyncGenerator<PreparedFile | PreparationFailure> {
  const ahead = reading.images === undefined ? 1 : availableParallelism() + 1;
  const underWay: Promise<PreparedFile | PreparationFailure>[] = [];
  for await (const source of request.sources) {
    if (context.signal.aborted) break;
    underWay.push(prepare(context, request, source, reading));
    if (underWay.length < ahead) continue;
    const first = underWay.shift();
    if (first !== undefined) yield await first;
  }
  for (const each of underWay) yield await each;
}

async function prepare(
  context: OperationContext,
  request: UploadRequest,
  source: UploadSource,
  reading: ReadOptions,
): Promise<PreparedFile | PreparationFailure> {
  if (source.problem !== undefined) return { source, error: source.problem };
  try {
    checkName(source.name);
    const content = await read(context, request, source, reading);
    return { source: withExtension(source, content), content };
  } catch (error) {
    return { source, error };
  }
}

function read(
  context: OperationContext,
  request: UploadRequest,
  source: UploadSource,
  reading: ReadOptions,
): Promise<Content> {
  if (request.standardInput === undefined || source.path !== '-') return readFileContent(source.path, reading);
  const spooling = { ...reading, spoolDirectory: context.temporaryDirectory };
  return readStreamContent(request.standardInput, source.name, spooling);
}

const LONGEST_NAME = 1024;

function checkName(name: string): void {
  const usable = name !== '' && name.isWellFormed() && !name.includes('\0') && Buffer.byteLength(name) <= LONGEST_NAME;
  if (usable) return;
  throw new AssetError('USAGE', 'The file name cannot be kept', {
    hint: `Give one of 1 to ${LONGEST_NAME} bytes of valid Unicode: --name`,
  });
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

/** A generated name claims nothing of the content: its extension comes from there. */
function withExtension(source: UploadSource, content: Content): UploadSource {
  if (source.isNameGenerated !== true) return source;
  return { ...source, name: `${source.name}${content.extension}` };
}

/**
 * The name of standard input without `--name`: `<type in lower case>_<yyyymmdd>_<hhmmss>` in UTC, to
 * which the content adds its extension, `.txt` for text.
 */
export function generatedName(assetType: string, now: Date): string {
  const [date = '', time = ''] = now.toISOString().split('T');
  return `${assetType.toLowerCase()}_${date.replaceAll('-', '')}_${time.slice(0, 8).replaceAll(':', '')}`;
}
