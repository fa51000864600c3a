import { sql } from 'kysely';
import type { ClaimedObject, ObjectRecord, ObjectState, StoredFacts } from './catalog.ts';
import type { Session } from './database.ts';
import { toJsonText } from './json-text.ts';
import { prepared } from './prepared.ts';
import { toObjectRecord } from './rows.ts';
import { CONTENT_COLUMNS, type Content, contentText } from './verdicts/verdicts.ts';

export interface Claim {
  objectId: string;
  claim: string;
}

export interface LockedObject extends ObjectRecord {
  /** What it is a copy of, while it is made: a claim on that, which may be lost. */
  copiedFrom: string | null;
}

/** Locks objects in id order and reads them as they are now. */
export async function lockObjects(session: Session, ids: readonly string[]): Promise<Map<string, LockedObject>> {
  const rows = await lockedObjects(session, [idRows(ids)]);
  return new Map(rows.map((row) => [row.id, Object.assign(toObjectRecord(row), { copiedFrom: row.copied_from })]));
}

const lockedObjects = prepared(
  (session, [ids = '']) => session.dialect.forUpdate(objectsById(session, ids).selectAll('objects'), 'objects'),
  1,
);

/** The same for who needs no more of them. */
export async function lockStates(
  session: Session,
  ids: readonly string[],
): Promise<Map<string, Pick<ObjectRecord, 'state' | 'storedSize'>>> {
  const query = objectsById(session, idRows(ids)).select([
    'objects.id',
    'objects.state',
    'objects.stored_size',
    'objects.size',
  ]);
  const rows = await session.dialect.forUpdate(query, 'objects').execute();
  return new Map(
    rows.map((row) => [row.id, { state: row.state as ObjectState, storedSize: row.stored_size ?? row.size }]),
  );
}

/** Each once, in the order in which they are locked. */
function idRows(ids: readonly string[]): string {
  return toJsonText([...new Set(ids)].sort().map((id) => ({ id })));
}

function objectsById(session: Session, ids: string) {
  const wanted = session.dialect.rowSetOf({ id: 'uuid' }, ids);
  return session.db
    .selectFrom('objects')
    .where('objects.id', 'in', (eb) => eb.selectFrom(wanted).select('r.id'))
    .orderBy('objects.id');
}

/** The same for who reads nothing of them. */
export async function holdObjects(session: Session, ids: readonly string[]): Promise<void> {
  if (!session.dialect.writesAlone) await lockStates(session, ids);
}

/** The STORED private objects of these contents, in any backend. */
export async function storedObjects(session: Session, contents: readonly Content[]): Promise<ObjectRecord[]> {
  const rows = await storedOfContents(session, [contentText(contents)]);
  return rows.map(toObjectRecord);
}

/** The same in one backend. */
export async function storedObjectsIn(
  session: Session,
  contents: readonly Content[],
  backend: string,
): Promise<ObjectRecord[]> {
  const rows = await storedOfContentsIn(session, [contentText(contents), backend]);
  return rows.map(toObjectRecord);
}

const storedOfContentsIn = prepared(
  (session, [contents = '', backend = '']) =>
    // Kept from the planner, which would rather read all of the backend than look for each content.
    privateStored(session, contents).where(
      sql<boolean>`${session.dialect.withoutIndex('o.backend', 'text')} = ${backend}`,
    ),
  2,
);

const storedOfContents = prepared((session, [contents = '']) => privateStored(session, contents), 1);

function privateStored({ db, dialect }: Session, contents: string) {
  return db
    .selectFrom('objects as o')
    .innerJoin(dialect.rowSetOf(CONTENT_COLUMNS, contents), (join) =>
      join.onRef('o.organization_id', '=', 'r.organization_id').onRef('o.sha256', '=', 'r.sha256'),
    )
    .where(sql<boolean>`o.state = 'STORED' and o.is_public = false`)
    .selectAll('o');
}

/** PENDING rows whose bytes have arrived become STORED; with `retainSeconds`, former copies for so long. */
export async function markStored(
  session: Session,
  stored: readonly { objectId: string; facts: StoredFacts }[],
  now: string,
  retainSeconds?: number,
): Promise<void> {
  if (stored.length === 0) return;
  const facts = toJsonText(
    stored.map(({ objectId, facts: reported }) => ({
      id: objectId,
      stored_size: reported.storedSize,
      content_encoding: reported.contentEncoding,
      stored_sha256: reported.storedSha256,
      stored_md5: reported.storedMd5,
      stored_crc32c: reported.storedCrc32c,
      etag: reported.etag,
    })),
  );
  if (retainSeconds === undefined) await settingStored(session, [facts, now]);
  else await settingFacts(session, facts, now, retainSeconds).execute();
}

const FACT_COLUMNS = {
  id: 'uuid',
  stored_size: 'int',
  content_encoding: 'text?',
  stored_sha256: 'text?',
  stored_md5: 'text?',
  stored_crc32c: 'text?',
  etag: 'text',
} as const;

const settingStored = prepared((session, [facts = '', now = '']) => settingFacts(session, facts, now), 2);

function settingFacts(session: Session, facts: string, now: string, retainSeconds?: number) {
  return session.db
    .updateTable('objects')
    .from(session.dialect.rowSetOf(FACT_COLUMNS, facts))
    .set((eb) => ({
      state: retainSeconds === undefined ? 'STORED' : 'RETAINED',
      retain_until: retainSeconds === undefined ? null : session.dialect.nowPlus(retainSeconds),
      claim: null,
      lease_expires_at: null,
      upload_session: null,
      copied_from: null,
      stored_size: eb.ref('r.stored_size'),
      content_encoding: eb.ref('r.content_encoding'),
      stored_sha256: eb.ref('r.stored_sha256'),
      stored_md5: eb.ref('r.stored_md5'),
      stored_crc32c: eb.ref('r.stored_crc32c'),
      etag: eb.ref('r.etag'),
      updated_at: now,
    }))
    .whereRef('objects.id', '=', 'r.id');
}

/** Rows that were locked before turn DELETING under the given claims, from whatever state. */
export async function markDeleting(
  session: Session,
  claims: readonly Claim[],
  leaseSeconds: number,
  now: string,
): Promise<ClaimedObject[]> {
  if (claims.length === 0) return [];
  const rows = await session.db
    .updateTable('objects')
    .from(claimRows(session, claims))
    .set((eb) => ({
      state: 'DELETING',
      claim: eb.ref('r.claim'),
      lease_expires_at: session.dialect.nowPlus(leaseSeconds),
      copied_from: null,
      retain_until: null,
      updated_at: now,
    }))
    .whereRef('objects.id', '=', 'r.id')
    .returning(['objects.id', 'objects.claim', 'objects.backend', 'objects.storage_path'])
    .execute();
  return rows.map(toClaimedObject);
}

/** Claims as a table `r (id, claim)`. */
export function claimRows(session: Session, claims: readonly Claim[]) {
  return session.dialect.rowSet(
    { id: 'uuid', claim: 'uuid' },
    claims.map(({ objectId, claim }) => ({ id: objectId, claim })),
  );
}

export function toClaimedObject(row: {
  id: string;
  claim: string | null;
  backend: string;
  storage_path: string;
}): ClaimedObject {
  return {
    objectId: row.id,
    claim: row.claim ?? '',
    backend: row.backend,
    storagePath: row.storage_path as ClaimedObject['storagePath'],
  };
}
