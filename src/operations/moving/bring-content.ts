import type { MoveReservation, ObjectRecord, WholeMove } from '../../catalog/catalog.ts';
import { AssetError } from '../../core/errors.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { HeldClaim } from '../leases.ts';
import { gracePeriod } from '../stopping.ts';
import { createBandwidth } from './bandwidth.ts';
import { checkStoredCopy, isUnchanged } from './check-stored-copy.ts';
import { copyObject } from './copy-object.ts';
import { createGate, type Gate } from './gate.ts';
import { type Candidate, type MigrateRun, mustStop } from './migrate-run.ts';

/** Large objects through this process at once: several parts of each are held in memory. */
const MOST_STREAMS = 2;

export type GrantedMove = Exclude<MoveReservation, { kind: 'skipped' }>;

/**
 * Sees to it that content is at the destination: by our copy, or as the one that is there already. undefined: it was still
 * waiting for its turn when no new work was taken any more, and was not begun.
 */
export type BringContent = (
  candidate: Candidate,
  storagePath: StorageKey,
  reservation: GrantedMove,
) => Promise<WholeMove['target'] | undefined>;

/** What waited for its turn is not begun. */
class NotBegun extends Error {
  override readonly name = 'NotBegun';
}

/** @param gate of what is copied at once; told how the stores bear it */
export function createBringing(run: MigrateRun, gate: Gate): BringContent {
  const { context, request, from, to } = run;
  const signal = gracePeriod(context.signal);
  const streams = createGate(MOST_STREAMS);
  const throttle = request.bandwidth === undefined ? undefined : createBandwidth(request.bandwidth, signal);
  // One after the other, so that at the end of the run all that still wait find out.
  const shares = createGate(1);
  // Who reads by a signed URL got the content so far, and does not ask for gzip.
  const decode =
    from.features.decodesForReaders === true &&
    to.features.decodesForReaders !== true &&
    context.content.compress !== true;

  function begin({ id }: ObjectRecord): void {
    if (run.underWay.has(id)) return;
    if (mustStop(run)) throw new NotBegun();
    run.underWay.set(id, 0);
  }

  /** A body that is read anew, for another try, counts once. */
  async function passOn(source: ObjectRecord, bytes: number): Promise<void> {
    const { id, size, storedSize } = source;
    if (throttle !== undefined) {
      await shares.run(() => {
        begin(source);
        return throttle(bytes);
      });
    }
    const passed = (run.underWay.get(id) ?? 0) + bytes * (decode ? 1 : size / storedSize);
    run.underWay.set(id, Math.min(size, passed));
  }

  async function copy(
    { source, headers }: Candidate,
    storagePath: StorageKey,
    { objectId, claim }: HeldClaim,
  ): Promise<WholeMove['target']> {
    const catalog = await context.catalog();
    const facts = await copyObject(
      { store: from, object: source },
      {
        store: to,
        storagePath,
        ...(headers === undefined ? {} : { headers }),
      },
      signal,
      {
        serverSide: request.serverSide,
        decode,
        durability: to.features.groupDurability ? 'group' : 'each',
        onSession: (session) => catalog.uploads.recordSession(objectId, claim, session),
        streaming: (work) =>
          streams.run(() => {
            begin(source);
            return work();
          }),
        onChunk: (bytes) => passOn(source, bytes),
        onRetry: () => gate.slower(),
        // Once one took too long, the rest passes through us.
        ...(run.uncertain.size > 0 ? {} : { onUncertainPull: () => run.uncertain.add(objectId) }),
      },
    );
    gate.faster();
    return { kind: 'store', objectId, claim, facts };
  }

  return async (candidate, storagePath, reservation) => {
    if (reservation.kind === 'store') return unlessNotBegun(copy(candidate, storagePath, reservation));
    const { object } = reservation;
    // What was moved or removed meanwhile is not damaged: the commit finds it changed.
    const isSound = await checkStoredCopy(to, object, signal);
    if (!isSound && (await isUnchanged(context, object))) throw targetDamaged(object.storagePath);
    return { kind: 'use', objectId: object.id, etag: object.etag };
  };
}

async function unlessNotBegun<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NotBegun) return undefined;
    throw error;
  }
}

function targetDamaged(storagePath: string): AssetError {
  return new AssetError('BYTES_DAMAGED', `The destination holds the content already, damaged: ${storagePath}`, {
    hint: 'Repair it first: asset-cli verify --repair',
  });
}
