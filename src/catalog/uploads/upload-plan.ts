import { randomUUID } from 'node:crypto';
import type { ObjectRecord, StoredFacts, UploadCommit } from '../catalog.ts';
import type { Claim } from '../objects.ts';
import { contentKey, UNJUDGED, type Verdict } from '../verdicts/verdicts.ts';
import { placeKey } from './upload-reserve.ts';

/** What becomes of one commit. */
export type CommitOutcome =
  | { kind: 'committed'; object: ObjectRecord; verdict: Verdict; deduplicated: boolean; discard?: Claim }
  | { kind: 'lost' }
  | { kind: 'infected'; result: string; discard?: Claim };

export interface CommitPlan {
  outcomes: CommitOutcome[];
  /** PENDING rows that become STORED. */
  stored: { objectId: string; facts: StoredFacts }[];
  /** Damaged rows whose assets move to new bytes. */
  replaced: { from: string; to: ObjectRecord }[];
  /** Our PENDING rows that are not needed: DELETING under a new claim. */
  discarded: Claim[];
}

/**
 * Decides under lock what becomes of each commit, in their order: an earlier one may have stored
 * what a later one attaches to.
 */
export function planCommits(
  commits: readonly UploadCommit[],
  verdicts: ReadonlyMap<string, Verdict>,
  objects: ReadonlyMap<string, ObjectRecord>,
): CommitPlan {
  const plan: CommitPlan = { outcomes: [], stored: [], replaced: [], discarded: [] };
  const current = new Map<string, ObjectRecord>();
  for (const object of objects.values()) {
    if (object.state === 'STORED' && !object.isPublic) current.set(placeKey(object), object);
  }
  for (const commit of commits) {
    plan.outcomes.push(planOne({ commit, verdict: verdicts.get(contentKey(commit)), objects, current, plan }));
  }
  return plan;
}

interface Planning {
  commit: UploadCommit;
  verdict: Verdict | undefined;
  objects: ReadonlyMap<string, ObjectRecord>;
  /** The STORED private object of each place, as this transaction leaves it. */
  current: Map<string, ObjectRecord>;
  plan: CommitPlan;
}

function planOne(planning: Planning): CommitOutcome {
  const { object } = planning.commit;
  if (object.kind === 'store') return planStore(planning, object);
  if (object.kind === 'attach') return planAttach(planning, object);
  const first = planning.plan.outcomes[object.index];
  if (first === undefined) return { kind: 'lost' };
  if (first.kind === 'infected') return { kind: 'infected', result: first.result };
  if (first.kind === 'lost' || !holdsContent(first.object, planning.commit)) return { kind: 'lost' };
  return attached(planning, first.object);
}

function planStore(planning: Planning, wish: UploadCommit['object'] & { kind: 'store' }): CommitOutcome {
  const { commit, verdict, objects, current, plan } = planning;
  const own = objects.get(wish.objectId);
  const isOurs = own?.state === 'PENDING' && own.claim === wish.claim && holdsContent(own, commit);
  if (own === undefined || !isOurs) return { kind: 'lost' };
  if (verdict?.status === 'INFECTED') {
    return { kind: 'infected', result: verdict.result ?? 'infected', discard: discard(plan, own) };
  }
  const rival = own.isPublic ? undefined : current.get(placeKey(own));
  if (rival !== undefined && rival.damagedAt === null && rival.id !== wish.replacesObjectId) {
    return { ...attached(planning, rival), discard: discard(plan, own) };
  }
  const stored: ObjectRecord = { ...own, ...wish.facts, state: 'STORED', claim: null, leaseExpiresAt: null };
  if (rival !== undefined) plan.replaced.push({ from: rival.id, to: stored });
  if (!own.isPublic) current.set(placeKey(own), stored);
  plan.stored.push({ objectId: own.id, facts: wish.facts });
  return { kind: 'committed', object: stored, verdict: verdict ?? UNJUDGED, deduplicated: false };
}

function planAttach(planning: Planning, wish: UploadCommit['object'] & { kind: 'attach' }): CommitOutcome {
  const { commit, verdict, objects, current } = planning;
  if (verdict?.status === 'INFECTED') return { kind: 'infected', result: verdict.result ?? 'infected' };
  const object = objects.get(wish.objectId);
  if (object === undefined || !holdsContent(object, commit)) return { kind: 'lost' };
  const isCurrent = current.get(placeKey(object))?.id === object.id;
  if (!isCurrent || object.damagedAt !== null || object.etag !== wish.etag) return { kind: 'lost' };
  return attached(planning, object);
}

function attached(planning: Planning, object: ObjectRecord) {
  const verdict = planning.verdict ?? UNJUDGED;
  return { kind: 'committed' as const, object, verdict, deduplicated: true };
}

function holdsContent(object: ObjectRecord, commit: UploadCommit): boolean {
  return object.organizationId === commit.organizationId && object.sha256 === commit.sha256;
}

function discard(plan: CommitPlan, own: ObjectRecord): Claim {
  const claim = { objectId: own.id, claim: randomUUID() };
  plan.discarded.push(claim);
  return claim;
}
