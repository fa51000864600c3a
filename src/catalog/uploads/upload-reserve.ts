import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { neighbouringUuids } from '../../core/neighbouring-uuids.ts';
import type { ObjectRecord, Reservation, ReservationRequest } from '../catalog.ts';
import type { Session } from '../database.ts';
import { storedObjects } from '../objects.ts';
import type { TableRow } from '../tables.ts';
import { contentKey, ensureVerdicts, lockVerdicts, type Verdict } from '../verdicts/verdicts.ts';

/** Rule 1, first transaction: a place for each content, or the reason why none is needed or given. */
export async function reserveUploads(
  session: Session,
  requests: readonly ReservationRequest[],
  leaseSeconds: number,
): Promise<Reservation[]> {
  if (requests.length === 0) return [];
  const { now, leaseExpiresAt } = await times(session, leaseSeconds);
  const areNew = await ensureVerdicts(session, requests, now);
  const verdicts = areNew ? new Map<string, Verdict>() : await lockVerdicts(session, requests);
  const stored = await storedObjects(session, requests);
  const storedByPlace = new Map(stored.map((object) => [placeKey(object), object]));
  const firstOfPlace = new Map<string, number>();
  const pending: TableRow<'objects'>[] = [];
  const newId = neighbouringUuids();
  const reservations = requests.map((request, index): Reservation => {
    const refusal = infected(verdicts.get(contentKey(request)));
    if (refusal !== undefined) return refusal;
    const shared = request.isPublic ? undefined : sharedPlace(request, storedByPlace, firstOfPlace);
    if (shared !== undefined) return shared;
    if (!request.isPublic) firstOfPlace.set(placeKey(request), index);
    const row = pendingRow(newId(), request, { now, leaseExpiresAt });
    pending.push(row);
    return { kind: 'store', objectId: row.id, claim: row.claim ?? '' };
  });
  await session.insert('objects', pending);
  return reservations;
}

export async function times(session: Session, leaseSeconds: number): Promise<{ now: string; leaseExpiresAt: string }> {
  const { dialect, db } = session;
  const { rows } = await sql<{ now: string; lease: string }>`
    select ${dialect.now} as now, ${dialect.nowPlus(leaseSeconds)} as lease`.execute(db);
  return { now: rows[0]?.now ?? '', leaseExpiresAt: rows[0]?.lease ?? '' };
}

function infected(verdict: Verdict | undefined): Reservation | undefined {
  if (verdict?.status !== 'INFECTED') return undefined;
  return { kind: 'infected', result: verdict.result ?? 'infected' };
}

type Place = Pick<ReservationRequest, 'organizationId' | 'backend' | 'sha256'>;

/** Where the same private content is one object. */
export function placeKey(place: Place): string {
  return `${place.organizationId}/${place.backend}/${place.sha256}`;
}

function sharedPlace(
  request: ReservationRequest,
  stored: ReadonlyMap<string, ObjectRecord>,
  firstOfPlace: ReadonlyMap<string, number>,
): Reservation | undefined {
  const object = stored.get(placeKey(request));
  if (object !== undefined && object.damagedAt === null && object.id !== request.exceptObjectId) {
    return { kind: 'attach', object };
  }
  const index = firstOfPlace.get(placeKey(request));
  return index === undefined ? undefined : { kind: 'same-as', index };
}

/** A row for bytes that are on their way, under a fresh claim. */
export function pendingRow(
  id: string,
  request: Omit<ReservationRequest, 'exceptObjectId'>,
  { now, leaseExpiresAt }: { now: string; leaseExpiresAt: string },
  copiedFrom: string | null = null,
): TableRow<'objects'> {
  return {
    id,
    organization_id: request.organizationId,
    backend: request.backend,
    storage_provider: request.storageProvider,
    storage_path: request.storagePath,
    size: request.size,
    sha256: request.sha256,
    stored_size: null,
    content_encoding: null,
    stored_sha256: null,
    stored_md5: null,
    stored_crc32c: null,
    etag: null,
    is_public: request.isPublic,
    state: 'PENDING',
    claim: randomUUID(),
    lease_expires_at: leaseExpiresAt,
    upload_session: null,
    copied_from: copiedFrom,
    retain_until: null,
    damaged_at: null,
    created_at: now,
    updated_at: now,
  };
}
