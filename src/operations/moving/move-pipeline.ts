import { randomUUID } from 'node:crypto';
import type { MoveReservation, ObjectRecord, WholeMove, WholeMoveResult } from '../../catalog/catalog.ts';
import { type ErrorCode, toFailure } from '../../core/errors.ts';
import { MARKER_KEY } from '../../core/marker-key.ts';
import { neighbouringUuids } from '../../core/neighbouring-uuids.ts';
import { type KeyPlace, keyInPlace, parseStorageKey, type StorageKey } from '../../core/storage-key.ts';
import { isStorageError } from '../../storage/storage-error.ts';
import { cdnUrl } from '../download/public-access.ts';
import { createGroups } from '../groups.ts';
import { type HeldClaim, whileHolding } from '../leases.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import { createBringing, type GrantedMove } from './bring-content.ts';
import { isUnchanged } from './check-stored-copy.ts';
import { createGate } from './gate.ts';
import { type Candidate, type MigrateRun, mustStop } from './migrate-run.ts';
import { skipObjects } from './migrate-skips.ts';
import { createReleases } from './move-releases.ts';

const LARGEST_CLAIM = 64;
/** Of objects that together are larger, only those are claimed that are copied at once. */
const LARGEST_CLAIM_BYTES = 64 * 2 ** 20;
/** What is claimed at once beside what is copied at once: so many can wait for a commit together. */
const WAITING = 2 * LARGEST_CLAIM;
const LARGEST_COMMIT = 200;
/** A transaction costs more than its part for one object; while others are still being copied it waits for them. */
const COMMIT_LINGER_MILLISECONDS = 100;
/** What concerns the whole store: the next object would fail in the same way. */
const HALTING: readonly ErrorCode[] = [
  'DISK_FULL',
  'READ_ONLY',
  'STORE_FORBIDDEN',
  'DATABASE_FORBIDDEN',
  'CREDENTIALS_EXPIRED',
  'CREDENTIALS_REFUSED',
  'CLOCK_SKEWED',
  'STORE_NOT_FOUND',
  'STORE_NOT_OURS',
];

/** Moves objects, many at once (rule 6): claims and commits go in groups, the copies side by side. */
export interface MovePipeline {
  /** Resolves when there is room for more. */
  offer(candidates: readonly Candidate[]): Promise<void>;
  /** Resolves when everything that was offered has come to its end, and the bytes of sources are released. */
  settle(): Promise<void>;
  /** What others were copying when it was offered; taken out. */
  takeBusy(): Candidate[];
}

/** Runs `work` with a pipeline whose claims are held for as long. */
export async function withPipeline<T>(run: MigrateRun, work: (pipeline: MovePipeline) => Promise<T>): Promise<T> {
  const held: HeldClaim[] = [];
  return whileHolding(run.context, held, async () => {
    const pipeline = createPipeline(run, held);
    try {
      return await work(pipeline);
    } finally {
      await pipeline.settle();
    }
  });
}

/** A move whose bytes are in place, under this key if they were written for it. */
interface Arrived {
  move: WholeMove;
  written?: StorageKey;
}

function createPipeline(run: MigrateRun, held: HeldClaim[]): MovePipeline {
  const { context, request, from, to } = run;
  const gate = createGate(request.concurrency);
  const bring = createBringing(run, gate);
  const tasks = new Set<Promise<void>>();
  const sleepers: (() => void)[] = [];
  const releases = createReleases(run);
  const busy = new Map<string, Candidate>();
  /** Objects that are on their way: one whose assets are on several pages is met again. */
  const inHand = new Set<string>();
  let claimedBytes = 0;
  let copying = 0;
  const target = { id: run.id, to: to.name };
  const commits = createGroups<Arrived, WholeMoveResult>(
    LARGEST_COMMIT,
    async (arrived) => {
      if (to.features.groupDurability) await to.flush?.(arrived.flatMap(({ written }) => written ?? []));
      const catalog = await context.catalog();
      const moves = arrived.map(({ move }) => move);
      return catalog.moves.commitAll(context.identity, moves, target, context.leaseSeconds, context.audit);
    },
    { lingering: { milliseconds: COMMIT_LINGER_MILLISECONDS, while: () => copying > 0 } },
  );

  async function move(candidate: Candidate, storagePath: StorageKey, reservation: GrantedMove): Promise<void> {
    const { source } = reservation;
    const claim = reservation.kind === 'store' ? reservation : undefined;
    try {
      copying += 1;
      const target = await gate
        .run(async () => (mustStop(run) ? undefined : bring({ ...candidate, source }, storagePath, reservation)))
        .finally(() => {
          copying -= 1;
        });
      if (target === undefined) {
        if (claim !== undefined) await releases.giveUp(claim);
        return;
      }
      const { retainSeconds } = candidate;
      const retained = retainSeconds === undefined ? {} : { targetRetainSeconds: retainSeconds };
      // Only a public object, which keeps its path, has an address behind a CDN.
      const address = source.isPublic ? cdnUrl(context, to.name, storagePath) : null;
      const move = { source, target, sourceEnd: request.sourceEnd, cdnUrl: address, ...retained };
      const arrived = target.kind === 'store' ? { move, written: storagePath } : { move };
      await settleMove(candidate, await commits.add(arrived));
    } catch (error) {
      // What may still arrive is undone once its lease has run out, and watched for a day (rule 4).
      if (claim !== undefined && !run.uncertain.has(claim.objectId)) await releases.giveUp(claim);
      if (context.signal.aborted && error === context.signal.reason) return;
      // A source that was deleted or moved while it was copied is no failure, whatever its store said of it.
      if (await isUnchanged(context, source)) await fail(candidate, error);
      else await skipObjects(run, [{ source, reason: 'source-changed' }]);
    } finally {
      run.underWay.delete(source.id);
      inHand.delete(source.id);
      if (claim !== undefined) forget(claim);
    }
  }

  async function settleMove({ source }: Candidate, result: WholeMoveResult): Promise<void> {
    releases.release(result.discard);
    if (result.kind === 'undone') return skipObjects(run, [{ source, reason: result.reason }]);
    releases.release(result.removable);
    const { backend, storagePath } = result.target;
    run.emit({ kind: 'moved', source, to: { backend, storagePath }, assets: result.assets });
  }

  function forget({ objectId }: HeldClaim): void {
    const index = held.findIndex((each) => each.objectId === objectId);
    if (index >= 0) held.splice(index, 1);
  }

  async function fail({ source }: Candidate, thrown: unknown): Promise<void> {
    const error = asAssetError(thrown);
    const failure = toFailure(error);
    if (HALTING.includes(failure.code) && !(await isOfOneObject(thrown))) run.halted ??= error;
    if (failure.code === 'UNAVAILABLE') gate.slower();
    const catalog = await context.catalog();
    const { id: objectId, organizationId, storagePath } = source;
    const { code, message } = failure;
    await catalog.migrations.recordFailures(run.id, [{ objectId, organizationId, storagePath, code, message }]);
    const references = await catalog.inventory.assetsOn([objectId]);
    const ids = references.map(({ assetId }) => assetId);
    run.emit({ kind: 'failed', ids: ids.length === 0 ? [objectId] : ids, failure });
  }

  /** A source that refuses one object, as an archived one of S3, and gives others: its marker tells. */
  async function isOfOneObject(thrown: unknown): Promise<boolean> {
    if (!isStorageError(thrown, 'DENIED') || thrown.backend !== from.name) return false;
    return from.stat(parseStorageKey(MARKER_KEY)).then(
      () => true,
      () => false,
    );
  }

  async function claim(candidates: readonly Candidate[]): Promise<void> {
    const newId = neighbouringUuids();
    const requests = candidates.map(({ source }) => ({
      sourceObjectId: source.id,
      // What has become a former copy since would be stored as if it had assets.
      sourceState: source.state,
      backend: to.name,
      storageProvider: to.provider,
      storagePath: targetKey(source, newId),
      isPublic: source.isPublic,
    }));
    const catalog = await context.catalog();
    const reservations = await catalog.moves.begin(requests, context.leaseSeconds);
    for (const [index, candidate] of candidates.entries()) {
      start(candidate, requests[index]?.storagePath ?? candidate.source.storagePath, reservations[index]);
    }
  }

  function start(candidate: Candidate, storagePath: StorageKey, reservation: MoveReservation | undefined): void {
    if (reservation === undefined) throw new Error('the catalog did not answer a move');
    if (reservation.kind === 'skipped') {
      const { reason } = reservation;
      if (reason === 'busy') busy.set(candidate.source.id, candidate);
      // One that went meanwhile simply is no longer there to be moved.
      else if (reason !== 'gone') follow(skipObjects(run, [{ source: candidate.source, reason }]));
      return;
    }
    if (reservation.kind === 'store') held.push({ objectId: reservation.objectId, claim: reservation.claim });
    const { id, storedSize } = candidate.source;
    inHand.add(id);
    claimedBytes += storedSize;
    follow(
      move(candidate, storagePath, reservation).finally(() => {
        claimedBytes -= storedSize;
      }),
    );
  }

  /** Nothing is claimed that would only wait: others may move it. Small objects wait for a commit together, briefly. */
  function isFull(): boolean {
    if (tasks.size < request.concurrency) return false;
    return claimedBytes >= LARGEST_CLAIM_BYTES || tasks.size >= request.concurrency + WAITING;
  }

  function follow(work: Promise<void>): void {
    const task = work
      .catch((error: unknown) => {
        run.broken ??= asAssetError(error);
        run.halted ??= run.broken;
      })
      .then(() => {
        tasks.delete(task);
        for (const wake of sleepers.splice(0)) wake();
      });
    tasks.add(task);
  }

  /** Of any of the tasks. A race of them all would leave a handler on each, for as long as the slowest takes. */
  function nextEnd(): Promise<void> {
    return new Promise((resolve) => sleepers.push(resolve));
  }

  return {
    async offer(candidates) {
      for (let rest = candidates; rest.length > 0; ) {
        while (isFull()) await nextEnd();
        if (mustStop(run)) return;
        const claimed = firstOf(rest);
        rest = rest.slice(claimed.length);
        const others = claimed.filter(({ source }) => !inHand.has(source.id));
        if (others.length > 0) await claim(others);
      }
    },
    async settle() {
      while (tasks.size > 0) await nextEnd();
      await releases.settle();
    },
    takeBusy() {
      const taken = [...busy.values()];
      busy.clear();
      return taken;
    },
  };
}

/** As many as are claimed together: at least one. */
function firstOf(candidates: readonly Candidate[]): readonly Candidate[] {
  let bytes = 0;
  const end = candidates.findIndex(({ source }, index) => {
    bytes += source.storedSize;
    return index === LARGEST_CLAIM || (index > 0 && bytes > LARGEST_CLAIM_BYTES);
  });
  return end === -1 ? candidates : candidates.slice(0, end);
}

/** A public object keeps its address; any other key is used once in a backend, ever. */
export function targetKey({ storagePath, isPublic }: ObjectRecord, newId: () => string = randomUUID): StorageKey {
  if (isPublic) return storagePath;
  const [first] = storagePath.split('/');
  const place: KeyPlace = first === 'quarantine' || first === 'lost+found' ? first : 'private';
  return keyInPlace(storagePath, place, newId());
}
