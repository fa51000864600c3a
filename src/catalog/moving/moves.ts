import { neighbouringUuids } from '../../core/neighbouring-uuids.ts';
import type { MoveRequest, MoveReservation, MoveWrites, ObjectRecord } from '../catalog.ts';
import type { Database, Session } from '../database.ts';
import { lockObjects, storedObjectsIn } from '../objects.ts';
import { toObjectRecord } from '../rows.ts';
import type { TableRow } from '../tables.ts';
import { pendingRow, placeKey, times } from '../uploads/upload-reserve.ts';
import { lockVerdicts } from '../verdicts/verdicts.ts';
import { commitMove } from './move-commit.ts';
import { commitWholeMoves } from './move-whole.ts';

export function moveWrites(database: Database): MoveWrites {
  return {
    begin: (requests, leaseSeconds) => database.write((session) => begin(session, requests, leaseSeconds)),
    commit: (identity, move, leaseSeconds, context) =>
      database.write((session) => commitMove(session, identity, move, leaseSeconds, context)),
    commitAll: (identity, moves, run, leaseSeconds, context) =>
      database.write((session) => commitWholeMoves(session, { identity, moves, run, leaseSeconds, context })),
  };
}

async function begin(
  session: Session,
  requests: readonly MoveRequest[],
  leaseSeconds: number,
): Promise<MoveReservation[]> {
  if (requests.length === 0) return [];
  const ids = requests.map((request) => request.sourceObjectId);
  // Contents are locked before objects, where anything has to be locked.
  if (!session.dialect.writesAlone) await lockVerdicts(session, [...(await readObjects(session, ids)).values()]);
  const sources = await lockObjects(session, ids);
  const moment = await times(session, leaseSeconds);
  const mine = requests.filter(({ takesOver }) => takesOver === true).map((request) => request.sourceObjectId);
  await detachCopies(session, ids, 'dead');
  await detachCopies(session, mine, 'any');
  const stored = await heldBy(session, requests, sources);
  const pending: TableRow<'objects'>[] = [];
  const newId = neighbouringUuids();
  const plans = requests.map((request): MoveReservation => {
    const source = sources.get(request.sourceObjectId);
    if (source === undefined || !isMovable(source, request)) return { kind: 'skipped', reason: 'gone' };
    const held = otherCopy(request, source, stored);
    if (held !== undefined && held.damagedAt !== null) return { kind: 'skipped', reason: 'target-damaged' };
    if (held !== undefined) return { kind: 'use', object: held, source };
    const row = pendingRow(newId(), { ...request, ...contentOf(source) }, moment, source.id);
    pending.push(row);
    return { kind: 'store', objectId: row.id, claim: row.claim ?? '', source };
  });
  // Whose source is being copied already, or whose path is known already, is not inserted.
  const count = await session.insert('objects', pending, { ifAbsent: true });
  if (count === pending.length) return plans;
  const inserted = await readObjects(
    session,
    pending.map((row) => row.id),
  );
  const refused = plans.filter((plan) => plan.kind === 'store' && !inserted.has(plan.objectId));
  const copied = refused.length === 0 ? new Set<string>() : await sourcesUnderCopy(session, ids);
  return plans.map((plan) => {
    if (!refused.includes(plan) || plan.kind !== 'store') return plan;
    return { kind: 'skipped', reason: copied.has(plan.source.id) ? 'busy' : 'address-taken' };
  });
}

function isMovable({ state }: ObjectRecord, { sourceState = state }: MoveRequest): boolean {
  return state === sourceState && (state === 'STORED' || state === 'RETAINED');
}

/** The private objects of these contents in the backends that they are to go to, by their places. */
async function heldBy(
  session: Session,
  requests: readonly MoveRequest[],
  sources: ReadonlyMap<string, ObjectRecord>,
): Promise<Map<string, ObjectRecord>> {
  const held = new Map<string, ObjectRecord>();
  for (const backend of new Set(requests.map((request) => request.backend))) {
    for (const object of await storedObjectsIn(session, [...sources.values()], backend)) {
      held.set(placeKey(object), object);
    }
  }
  return held;
}

async function readObjects(session: Session, ids: readonly string[]): Promise<Map<string, ObjectRecord>> {
  const wanted = session.dialect.rowSet(
    { id: 'uuid' },
    ids.map((id) => ({ id })),
  );
  const rows = await session.db
    .selectFrom('objects')
    .where('objects.id', 'in', (eb) => eb.selectFrom(wanted).select('r.id'))
    .selectAll('objects')
    .execute();
  return new Map(rows.map((row) => [row.id, toObjectRecord(row)]));
}

/** A copy that is not attached keeps nobody from copying; its commit, should it come, finds that out. */
async function detachCopies(session: Session, sourceIds: readonly string[], which: 'dead' | 'any'): Promise<void> {
  if (sourceIds.length === 0) return;
  const wanted = session.dialect.rowSet(
    { id: 'uuid' },
    sourceIds.map((id) => ({ id })),
  );
  let copies = session.db
    .updateTable('objects')
    .set({ copied_from: null })
    .where('copied_from', 'in', (eb) => eb.selectFrom(wanted).select('r.id'))
    .where('state', '=', 'PENDING');
  if (which === 'dead') copies = copies.where('lease_expires_at', '<=', session.dialect.now);
  await copies.execute();
}

/** What a copy is a copy of. */
function contentOf({ organizationId, size, sha256 }: ObjectRecord) {
  return { organizationId, size, sha256 };
}

/** The one private object of the same content at the destination; nothing else may become STORED beside it. */
function otherCopy(
  request: MoveRequest,
  source: ObjectRecord,
  stored: ReadonlyMap<string, ObjectRecord>,
): ObjectRecord | undefined {
  if (request.isPublic || source.state === 'RETAINED') return undefined;
  const { organizationId, sha256 } = source;
  const held = stored.get(placeKey({ organizationId, sha256, backend: request.backend }));
  return held?.id === source.id ? undefined : held;
}

/** Of these objects, those that have a copy under way. */
async function sourcesUnderCopy(session: Session, sourceIds: readonly string[]): Promise<Set<string>> {
  const wanted = session.dialect.rowSet(
    { id: 'uuid' },
    sourceIds.map((id) => ({ id })),
  );
  const rows = await session.db
    .selectFrom('objects')
    .where('copied_from', 'in', (eb) => eb.selectFrom(wanted).select('r.id'))
    .select('copied_from')
    .execute();
  return new Set(rows.flatMap((row) => row.copied_from ?? []));
}
