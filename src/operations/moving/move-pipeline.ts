import { randomUUID } from 'node:crypto';
import type { ClaimedObject, MoveReservation, MoveResult, ObjectRecord, WholeMove } from '../../catalog/catalog.ts';
import { AssetError, type ErrorCode, toFailure } from '../../core/errors.ts';
import { type KeyPlace, keyInPlace, type StorageKey } from '../../core/storage-key.ts';
import { cdnUrl } from '../download/public-access.ts';
import { createGroups } from '../groups.ts';
import { type HeldClaim, removeBytes, whileHolding } from '../leases.ts';
import { gracePeriod } from '../stopping.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import { createBandwidth } from './bandwidth.ts';
import { checkStoredCopy } from './check-stored-copy.ts';
import { copyObject } from './copy-object.ts';
import { createGate } from './gate.ts';
import { type Candidate, type MigrateRun, mustStop } from './migrate-run.ts';
import { skipObjects } from './migrate-skips.ts';

const LARGEST_CLAIM = 64;
/** Of objects that together are larger, only those are claimed that are copied at once. */
const LARGEST_CLAIM_BYTES = 64 * 2 ** 20;
/** What is claimed at once beside what is copied at once: so many can wait for a commit together. */
const WAITING = 2 * LARGEST_CLAIM;
/** Large objects through this process at once: several parts of each are held in memory. */
const MOST_STREAMS = 4;
const LARGEST_COMMIT = 200;
/** A transaction costs more than its part for one object; while others are still being copied it waits for them. */
const COMMIT_LINGER_MILLISECONDS = 100;
const LARGEST_RELEASE = 500;
/** What concerns the whole store: the next object would fail in the same way. */
const HALTING: readonly ErrorCode[] = [
  'DISK_FULL',
  'READ_ONLY',
  'NOT_PERMITTED',
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

type Granted = Exclude<MoveReservation, { kind: 'skipped' }>;

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
  const signal = gracePeriod(context.signal);
  const gate = createGate(request.concurrency);
  const streams = createGate(MOST_STREAMS);
  const tasks = new Set<Promise<void>>();
  const sleepers: (() => void)[] = [];
  let claimedBytes = 0;
  const releases = new Set<Promise<void>>();
  const throttle = request.bandwidth === undefined ? undefined : createBandwidth(request.bandwidth);
  // Who reads by a signed URL got the content so far, and does not ask for gzip.
  const decode =
    from.features.decodesForReaders === true &&
    to.features.decodesForReaders !== true &&
    context.content.compress !== true;
  const busy = new Map<string, Candidate>();

  let copying = 0;
  const commits = createGroups<Arrived, MoveResult>(
    LARGEST_COMMIT,
    async (arrived) => {
      if (to.features.groupDurability) await to.flush?.(arrived.flatMap(({ written }) => written ?? []));
      const catalog = await context.catalog();
      const moves = arrived.map(({ move }) => move);
      return catalog.moves.commitAll(context.identity, moves, run.id, context.leaseSeconds, context.audit);
    },
    { lingering: { milliseconds: COMMIT_LINGER_MILLISECONDS, while: () => copying > 0 } },
  );
  const abandons = createGroups<HeldClaim, ClaimedObject | undefined>(LARGEST_COMMIT, async (claims) => {
    const catalog = await context.catalog();
    const abandoned = await catalog.uploads.abandon(claims, context.leaseSeconds);
    return claims.map(({ objectId }) => abandoned.find((object) => object.objectId === objectId));
  });
  const removals = createGroups<ClaimedObject, undefined>(LARGEST_RELEASE, async (objects) => {
    for (const store of [from, to]) {
      const there = objects.filter(({ backend }) => backend === store.name);
      for (const { object, error } of await removeBytes(context, store, there)) {
        context.warn(`${object.storagePath} is removed later, by purge-expired: ${error.message}`);
      }
    }
    return objects.map(() => undefined);
  });

  /** A body that is read anew, for another try, counts once. */
  async function passOn({ id, size, storedSize }: ObjectRecord, bytes: number): Promise<void> {
    await throttle?.(bytes);
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
        streaming: (work) => streams.run(work),
        onChunk: (bytes) => passOn(source, bytes),
        onRetry: () => gate.slower(),
      },
    );
    gate.faster();
    return { kind: 'store', objectId, claim, facts };
  }

  /** The content at the destination: our copy, or the one that is there; undefined if no new work is taken any more. */
  async function bring(
    candidate: Candidate,
    storagePath: StorageKey,
    reservation: Granted,
  ): Promise<WholeMove['target'] | undefined> {
    if (mustStop(run)) return undefined;
    if (reservation.kind === 'store') return copy(candidate, storagePath, reservation);
    const { object } = reservation;
    if (!(await checkStoredCopy(to, object, signal))) throw targetDamaged(object.storagePath);
    return { kind: 'use', objectId: object.id, etag: object.etag };
  }

  async function move(candidate: Candidate, storagePath: StorageKey, reservation: Granted): Promise<void> {
    const { source } = reservation;
    const claim = reservation.kind === 'store' ? reservation : undefined;
    try {
      copying += 1;
      const target = await gate
        .run(() => bring({ ...candidate, source }, storagePath, reservation))
        .finally(() => {
          copying -= 1;
        });
      if (target === undefined) {
        if (claim !== undefined) await giveUp(claim);
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
      if (claim !== undefined) await giveUp(claim);
      if (context.signal.aborted && error === context.signal.reason) return;
      if (await hasChanged(source)) await skipObjects(run, [{ source, reason: 'source-changed' }]);
      else await fail(candidate, error);
    } finally {
      run.underWay.delete(source.id);
      if (claim !== undefined) forget(claim);
    }
  }

  async function settleMove({ source }: Candidate, result: MoveResult): Promise<void> {
    release(result.discard);
    if (result.kind === 'undone') return skipObjects(run, [{ source, reason: result.reason }]);
    release(result.removable);
    const { backend, storagePath } = result.target;
    run.emit({ kind: 'moved', source, to: { backend, storagePath }, assets: result.assets });
  }

  /** A source that was deleted or moved while it was copied is no failure, whatever its store said of it. */
  async function hasChanged({ id, storagePath, etag, state }: ObjectRecord): Promise<boolean> {
    const catalog = await context.catalog();
    const [row] = await catalog.inventory.at(from.name, [storagePath]);
    return row?.id !== id || row.etag !== etag || row.state !== state;
  }

  function release(object: ClaimedObject | undefined): void {
    if (object === undefined) return;
    const removal = removals.add(object).then(
      () => undefined,
      (error: unknown) => context.warn(`${object.storagePath} is removed later: ${toFailure(error).message}`),
    );
    releases.add(removal);
    removal.then(() => releases.delete(removal));
  }

  async function giveUp({ objectId, claim }: HeldClaim): Promise<void> {
    try {
      release(await abandons.add({ objectId, claim }));
    } catch (error) {
      context.warn(`a copy is undone later, by purge-expired: ${toFailure(error).message}`);
    }
  }

  function forget({ objectId }: HeldClaim): void {
    const index = held.findIndex((each) => each.objectId === objectId);
    if (index >= 0) held.splice(index, 1);
  }

  async function fail({ source }: Candidate, thrown: unknown): Promise<void> {
    const error = asAssetError(thrown);
    const failure = toFailure(error);
    if (HALTING.includes(failure.code)) run.halted ??= error;
    if (failure.code === 'UNAVAILABLE') gate.slower();
    const catalog = await context.catalog();
    const { id: objectId, organizationId, storagePath } = source;
    const { code, message } = failure;
    await catalog.migrations.recordFailures(run.id, [{ objectId, organizationId, storagePath, code, message }]);
    const references = await catalog.inventory.assetsOn([objectId]);
    const ids = references.map(({ assetId }) => assetId);
    run.emit({ kind: 'failed', ids: ids.length === 0 ? [objectId] : ids, failure });
  }

  async function claim(candidates: readonly Candidate[]): Promise<void> {
    const requests = candidates.map(({ source }) => ({
      sourceObjectId: source.id,
      backend: to.name,
      storageProvider: to.provider,
      storagePath: targetKey(source),
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
    const { storedSize } = candidate.source;
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
        run.halted ??= asAssetError(error);
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
        await claim(claimed);
      }
    },
    async settle() {
      while (tasks.size > 0) await nextEnd();
      await Promise.all(releases);
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
export function targetKey({ storagePath, isPublic }: ObjectRecord): StorageKey {
  if (isPublic) return storagePath;
  const [first] = storagePath.split('/');
  const place: KeyPlace = first === 'quarantine' || first === 'lost+found' ? first : 'private';
  return keyInPlace(storagePath, place, randomUUID());
}

function targetDamaged(storagePath: string): AssetError {
  return new AssetError('BYTES_DAMAGED', `The destination holds the content already, damaged: ${storagePath}`, {
    hint: 'Repair it first: asset-cli verify --repair',
  });
}
