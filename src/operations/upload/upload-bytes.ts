import pLimit from 'p-limit';
import type { Reservation, ReservationRequest, StoredFacts, UploadCommit } from '../../catalog/catalog.ts';
import type { Content } from '../../content/content.ts';
import { AssetError } from '../../core/errors.ts';
import type { PutOptions, StorageBackend, StoredObject } from '../../storage/backend.ts';
import type { OperationContext } from '../context.ts';
import { publicHeaders } from '../download/public-access.ts';
import type { HeldClaim } from '../leases.ts';
import { checkStoredCopy } from '../moving/check-stored-copy.ts';
import { gracePeriod } from '../stopping.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import type { OwnedFile } from './upload-request.ts';

/** One file on its way through the upload protocol. */
export interface Candidate {
  file: OwnedFile;
  request: ReservationRequest;
  /** The stored copy of this content that turned out damaged or missing: our bytes take its place. */
  replacesObjectId?: string;
}

export interface ReadyStep {
  kind: 'ready';
  candidate: Candidate;
  stored: UploadCommit['object'];
}

/** What came of putting a candidate's bytes where they belong. */
export type Step =
  | ReadyStep
  /** It has to reserve anew. */
  | { kind: 'again'; candidate: Candidate }
  | { kind: 'failed'; candidate: Candidate; error: unknown };

interface Storing {
  context: OperationContext;
  /** Puts at once. */
  concurrency: number;
  store: StorageBackend;
}

interface PutManner {
  durability: 'each' | 'group';
  signal: AbortSignal;
  /** Whoever finds the upload given up ends its multipart session by this. */
  sessionOf(claim: HeldClaim): (session: string) => Promise<void>;
}

/** Puts the bytes of every candidate, several at once, and makes them durable. Same order as the candidates. */
export async function storeCandidates(
  storing: Storing,
  candidates: readonly Candidate[],
  reservations: readonly Reservation[],
): Promise<Step[]> {
  const { store, concurrency, context } = storing;
  const catalog = await context.catalog();
  const newObjects = reservations.filter((reservation) => reservation.kind === 'store').length;
  const durability = newObjects > 1 && store.features.groupDurability ? 'group' : 'each';
  const manner: PutManner = {
    durability,
    signal: gracePeriod(context.signal),
    sessionOf:
      ({ objectId, claim }) =>
      (session) =>
        catalog.uploads.recordSession(objectId, claim, session),
  };
  const limit = pLimit(concurrency);
  const steps = await Promise.all(
    candidates.map((candidate, index) => limit(() => storeSafely(store, candidate, reservations[index], manner))),
  );
  const durable = durability === 'group' ? await makeDurable(store, steps) : steps;
  return pointAtLeaders(durable);
}

async function storeSafely(
  store: StorageBackend,
  candidate: Candidate,
  reservation: Reservation | undefined,
  manner: PutManner,
): Promise<Step> {
  if (reservation === undefined) throw new Error('the catalog answered fewer reservations than were asked for');
  try {
    return await storeOne(store, candidate, reservation, manner);
  } catch (error) {
    return { kind: 'failed', candidate, error: asAssetError(error) };
  }
}

async function storeOne(
  store: StorageBackend,
  candidate: Candidate,
  reservation: Reservation,
  manner: PutManner,
): Promise<Step> {
  if (reservation.kind === 'same-as') return { kind: 'ready', candidate, stored: reservation };
  if (reservation.kind === 'infected') throw infected(reservation.result);
  if (reservation.kind === 'attach') {
    const { object } = reservation;
    if (await checkStoredCopy(store, object, manner.signal)) {
      return { kind: 'ready', candidate, stored: { kind: 'attach', objectId: object.id, etag: object.etag } };
    }
    const request = { ...candidate.request, exceptObjectId: object.id };
    return { kind: 'again', candidate: { ...candidate, request, replacesObjectId: object.id } };
  }
  const { content } = candidate.file;
  // It was to be attached to an object that is gone: its bytes have to be made after all.
  if (content.remake !== undefined) return { kind: 'again', candidate: remade(candidate, await content.remake()) };
  const facts = await putBytes(store, candidate, reservation, manner);
  const stored: UploadCommit['object'] = { facts, ...reservation };
  const { replacesObjectId } = candidate;
  return {
    kind: 'ready',
    candidate,
    stored: replacesObjectId === undefined ? stored : { ...stored, replacesObjectId },
  };
}

/** The same content, its bytes made: another would not have been scanned. */
function remade(candidate: Candidate, content: Content): Candidate {
  if (content.sha256 === candidate.request.sha256) return { ...candidate, file: { ...candidate.file, content } };
  throw new AssetError('STATE_CHANGED', 'The stored copy of this image went while it was uploaded', {
    hint: 'Run the upload again.',
  });
}

async function putBytes(
  store: StorageBackend,
  candidate: Candidate,
  claim: HeldClaim,
  { durability, signal, sessionOf }: PutManner,
): Promise<StoredFacts> {
  const { content } = candidate.file;
  const { body, encoding, checksums } = await content.stored();
  const object = await store.put(candidate.request.storagePath, body, {
    ifAbsent: true,
    checksums,
    ...(encoding === null ? {} : { contentEncoding: encoding }),
    durability,
    signal,
    onSession: sessionOf(claim),
    ...objectHeaders(candidate),
  });
  return factsOf(object, encoding);
}

function objectHeaders({ request, file }: Candidate): PutOptions {
  // The type of a private object belongs to its assets, which may differ; downloads and signed URLs set it.
  if (!request.isPublic) return { contentType: 'application/octet-stream' };
  const { mimeType, isProcessed } = file.content;
  return publicHeaders({ mimeType, isProcessed, originalFilename: file.source.name });
}

/** What a store reports of bytes in this encoding, which not every store keeps. */
export function factsOf(object: StoredObject, contentEncoding: string | null): StoredFacts {
  return {
    storedSize: object.size,
    contentEncoding,
    storedSha256: object.checksums.sha256 ?? null,
    storedMd5: object.checksums.md5 ?? null,
    storedCrc32c: object.checksums.crc32c ?? null,
    etag: object.etag,
  };
}

/** If the group's bytes cannot be made durable, none of them was stored. */
async function makeDurable(store: StorageBackend, steps: readonly Step[]): Promise<Step[]> {
  try {
    await store.flush?.(
      steps.flatMap((step) => {
        const isWritten = step.kind === 'ready' && step.stored.kind === 'store';
        return isWritten ? step.candidate.request.storagePath : [];
      }),
    );
    return [...steps];
  } catch (thrown) {
    const error = asAssetError(thrown);
    return steps.map((step) => {
      const written = step.kind === 'ready' && step.stored.kind === 'store';
      return written ? { kind: 'failed', candidate: step.candidate, error } : step;
    });
  }
}

/** Counts 'same-as' among the ready steps alone; who follows a leader that failed starts again by itself. */
function pointAtLeaders(steps: readonly Step[]): Step[] {
  const positions = new Map<number, number>();
  return steps.map((step, index): Step => {
    if (step.kind !== 'ready') return step;
    const { stored, candidate } = step;
    if (stored.kind === 'same-as') {
      const position = positions.get(stored.index);
      if (position === undefined) return { kind: 'again', candidate };
      positions.set(index, positions.size);
      return { kind: 'ready', candidate, stored: { kind: 'same-as', index: position } };
    }
    positions.set(index, positions.size);
    return step;
  });
}

export function infected(result: string): AssetError {
  return new AssetError('VIRUS_FOUND', `This content is known to be infected: ${result}`, {
    hint: 'It was not stored.',
    details: { signature: result },
  });
}
