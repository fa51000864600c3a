import type { ClaimedObject, NewAsset, Reservation, UploadCommit, UploadCommitResult } from '../../catalog/catalog.ts';
import { AssetError, toFailure } from '../../core/errors.ts';
import { neighbouringUuids } from '../../core/neighbouring-uuids.ts';
import { assetKey } from '../../core/storage-key.ts';
import type { StorageBackend } from '../../storage/backend.ts';
import type { OperationContext } from '../context.ts';
import { cdnUrl } from '../download/public-access.ts';
import { type HeldClaim, removeBytes, whileHolding } from '../leases.ts';
import { openOwnStore } from '../stores/own-store.ts';
import { type Candidate, infected, type ReadyStep, type Step, storeCandidates } from './upload-bytes.ts';
import {
  failed,
  type OwnedFile,
  type PacedRequest,
  type PreparedFile,
  tagsOf,
  type UploadOutcome,
} from './upload-request.ts';
import type { UploadSource } from './upload-sources.ts';

/** How often a file starts again because the stored copy that it wanted to share went away meanwhile. */
const MOST_ROUNDS = 5;

/** Everything that the steps of one group share. */
interface Group {
  context: OperationContext;
  concurrency: number;
  store: StorageBackend;
  outcomes: Map<UploadSource, UploadOutcome>;
}

/** Stores one group of files of one upload, and returns what became of each. */
export function storeGroup(
  context: OperationContext,
  upload: PacedRequest,
  files: readonly PreparedFile[],
): Promise<Map<UploadSource, UploadOutcome>> {
  return storeOwned(
    context,
    upload,
    files.map((file) => ({ context, upload, ...file })),
  );
}

/**
 * Stores one group of files by rule 1 of the protocol (docs/architecture.md). They may belong to different uploads and
 * people, for whom `context` holds the leases.
 */
export async function storeOwned(
  context: OperationContext,
  { backend, concurrency }: { backend: string; concurrency: number },
  files: readonly OwnedFile[],
): Promise<Map<UploadSource, UploadOutcome>> {
  const store = await openOwnStore(context, backend);
  const group: Group = { context, concurrency, store, outcomes: new Map() };
  const newId = neighbouringUuids();
  let waiting = files.map((file) => newCandidate(group, file, newId()));
  for (let round = 1; waiting.length > 0 && round <= MOST_ROUNDS; round += 1) {
    waiting = await storeRound(group, waiting);
  }
  for (const candidate of waiting) fail(group, candidate, keptChanging());
  return group.outcomes;
}

function newCandidate({ store }: Group, file: OwnedFile, uuid: string): Candidate {
  const { context, upload } = file;
  const organizationId = context.identity.organization;
  const storagePath = assetKey({
    organization: organizationId,
    assetType: upload.assetType,
    createdAt: new Date(),
    uuid,
    extension: file.content.extension,
    isPublic: upload.isPublic,
  });
  const place = { backend: store.name, storageProvider: store.provider, storagePath };
  const { size, sha256 } = file.content;
  return { file, request: { organizationId, ...place, size, sha256, isPublic: upload.isPublic } };
}

/** Reserve, put, flush, commit. Returns the candidates that have to start again. */
async function storeRound(group: Group, candidates: readonly Candidate[]): Promise<Candidate[]> {
  const { context } = group;
  const catalog = await context.catalog();
  let reservations: Reservation[];
  try {
    const requests = candidates.map((candidate) => candidate.request);
    reservations = await catalog.uploads.reserve(requests, context.leaseSeconds);
  } catch (error) {
    for (const candidate of candidates) fail(group, candidate, error);
    return [];
  }
  const held = reservations.flatMap((reservation) => (reservation.kind === 'store' ? reservation : []));
  return whileHolding(context, held, async () => {
    const steps = await storeCandidates(group, candidates, reservations);
    return commitRound(group, steps, held);
  });
}

async function commitRound(group: Group, steps: readonly Step[], held: readonly HeldClaim[]): Promise<Candidate[]> {
  const ready = steps.filter((step) => step.kind === 'ready');
  const written = new Set(ready.flatMap(({ stored }) => (stored.kind === 'store' ? stored.objectId : [])));
  await giveUp(
    group,
    held.filter((claim) => !written.has(claim.objectId)),
  );
  for (const step of steps) {
    if (step.kind === 'failed') fail(group, step.candidate, step.error);
  }
  const again = steps.flatMap((step) => (step.kind === 'again' ? step.candidate : []));
  return [...again, ...(await commitReady(group, ready, held))];
}

async function commitReady(
  group: Group,
  ready: readonly ReadyStep[],
  held: readonly HeldClaim[],
): Promise<Candidate[]> {
  if (ready.length === 0) return [];
  const { context } = group;
  const catalog = await context.catalog();
  let results: UploadCommitResult[];
  try {
    const commits = ready.map((step) => commitOf(group, step));
    results = await catalog.uploads.commit(context.identity, commits, context.audit);
  } catch (error) {
    for (const step of ready) fail(group, step.candidate, error);
    await giveUp(group, held);
    return [];
  }
  await discardBytes(
    group,
    results.flatMap((result) => ('discard' in result && result.discard !== undefined ? result.discard : [])),
  );
  return ready.flatMap(({ candidate }, index) => settle(group, candidate, results[index]));
}

function commitOf({ store }: Group, step: ReadyStep): UploadCommit {
  const { file, request } = step.candidate;
  const { source, content, verdict, upload, context } = file;
  return {
    organizationId: context.identity.organization,
    sha256: content.sha256,
    object: step.stored,
    by: { identity: context.identity, audit: context.audit },
    ...(content.original === undefined ? {} : { original: content.original }),
    ...(verdict === undefined ? {} : { verdict }),
    asset: {
      originalFilename: source.name,
      mimeType: content.mimeType,
      assetType: upload.assetType,
      userId: context.identity.user,
      projectId: upload.projectId,
      scanResultId: upload.scanResultId,
      tags: tagsOf(upload, source),
      cdnUrl: upload.isPublic ? cdnUrl(context, store.name, request.storagePath) : null,
      isProcessed: content.isProcessed,
      ...expiryOf(file),
    },
  };
}

function expiryOf({ context, upload }: OwnedFile): Pick<NewAsset, 'expiresAt' | 'expiresInSeconds'> {
  const configured = context.lifecycle.retention.get(upload.assetType);
  const { expiry = configured === undefined ? undefined : { kind: 'in' as const, seconds: configured } } = upload;
  if (expiry?.kind === 'at') return { expiresAt: expiry.time };
  return expiry?.kind === 'in' ? { expiresAt: null, expiresInSeconds: expiry.seconds } : { expiresAt: null };
}

/** Writes down what became of a candidate, or returns it because it has to start again. */
function settle(group: Group, candidate: Candidate, result: UploadCommitResult | undefined): Candidate[] {
  const { source } = candidate.file;
  if (result === undefined) throw new Error('the catalog answered fewer commits than were asked for');
  if (result.kind === 'lost') return [candidate];
  if (result.kind === 'infected') fail(group, candidate, infected(result.result));
  else {
    const { asset, deduplicated } = result;
    group.outcomes.set(source, { kind: 'uploaded', source: source.label, asset, deduplicated });
  }
  return [];
}

function fail(group: Group, candidate: Candidate, error: unknown): void {
  const { source } = candidate.file;
  group.outcomes.set(source, failed(source, error));
}

function keptChanging(): AssetError {
  return new AssetError('STATE_CHANGED', 'The stored copy of this content kept changing while it was uploaded', {
    hint: 'Run the upload again.',
  });
}

/** Undoes what was reserved and will not be committed: whatever bytes were written go at once. */
async function giveUp(group: Group, claims: readonly HeldClaim[]): Promise<void> {
  if (claims.length === 0) return;
  const { context } = group;
  try {
    const catalog = await context.catalog();
    await discardBytes(group, await catalog.uploads.abandon(claims, context.leaseSeconds));
  } catch (error) {
    context.warn(`an upload is undone later, by purge-expired: ${toFailure(error).message}`);
  }
}

async function discardBytes(group: Group, objects: readonly ClaimedObject[]): Promise<void> {
  for (const { object, error } of await removeBytes(group.context, group.store, objects)) {
    group.context.warn(`${object.storagePath} is removed later, by purge-expired: ${error.message}`);
  }
}
