import { randomUUID } from 'node:crypto';
import { assetsOfContentText } from '../assets/asset-query.ts';
import type { ContentRef, ObjectRecord, ScanClaims, ScanCondition, ScanJob } from '../catalog.ts';
import type { Session } from '../database.ts';
import { toJsonText } from '../json-text.ts';
import { prepared } from '../prepared.ts';
import { toObjectRecord } from '../rows.ts';
import {
  CONTENT_COLUMNS,
  type Content,
  contentKey,
  contentText,
  lockVerdicts,
  readVerdicts,
  type Verdict,
} from './verdicts.ts';

type Claimed = ContentRef & { claim: string };

/** Looks without locks first, so that hosts that claim at once get in each other's way for few rows only. */
export async function claimScans(
  session: Session,
  contents: readonly ContentRef[],
  condition: ScanCondition,
  limit: number,
  leaseSeconds: number,
): Promise<ScanClaims> {
  const now = await session.now();
  const seen = await readVerdicts(session, contents);
  const due = contents.filter((content) => isDue(seen.get(contentKey(content)), condition));
  const free = due.filter((content) => !isHeld(seen.get(contentKey(content)), now));
  const chosen = free.slice(0, limit);
  // Where this transaction has the whole database to itself, what it has seen is what it would lock.
  const locked = session.dialect.writesAlone ? seen : await lockVerdicts(session, chosen, { skipLocked: true });
  const claimed = chosen
    .filter((content) => {
      const verdict = locked.get(contentKey(content));
      return isDue(verdict, condition) && !isHeld(verdict, now);
    })
    .map(({ organizationId, sha256 }): Claimed => ({ organizationId, sha256, claim: randomUUID() }));
  await setClaims(session, claimed, later(now, leaseSeconds));
  const jobs = await describeJobs(session, claimed);
  return { jobs, busy: due.length - free.length, more: free.length - jobs.length };
}

function isDue(verdict: Verdict | undefined, condition: ScanCondition): boolean {
  if (verdict === undefined) return false;
  if (verdict.scannedAt !== null && verdict.scannedAt >= condition.judgedBefore) return false;
  if (condition.kind === 'all') return true;
  if (condition.kind === 'pending') return verdict.status === 'PENDING';
  const judgedBy = Number(verdict.signatureVersion ?? 0);
  return verdict.scannedAt !== null && judgedBy < Number(condition.signatureVersion ?? 0);
}

function isHeld(verdict: Verdict | undefined, now: string): boolean {
  return verdict !== undefined && verdict.claim !== null && (verdict.leaseExpiresAt ?? '') > now;
}

/** The database's time and so many seconds more. */
function later(now: string, seconds: number): string {
  return new Date(Date.parse(now) + seconds * 1000).toISOString();
}

async function setClaims(session: Session, claimed: readonly Claimed[], leaseEnd: string): Promise<void> {
  if (claimed.length > 0) await settingClaims(session, [claimText(claimed), leaseEnd]);
}

const settingClaims = prepared(
  ({ db, dialect }, [claims = '', leaseEnd = '']) =>
    db
      .updateTable('content_verdicts')
      .from(dialect.rowSetOf(CLAIM_COLUMNS, claims))
      .set((eb) => ({ claim: eb.ref('r.claim'), lease_expires_at: leaseEnd }))
      .whereRef('content_verdicts.organization_id', '=', 'r.organization_id')
      .whereRef('content_verdicts.sha256', '=', 'r.sha256'),
  2,
);

export async function renewScans(session: Session, jobs: readonly Claimed[], leaseSeconds: number): Promise<void> {
  await changeHeld(session, jobs, { lease_expires_at: session.dialect.nowPlus(leaseSeconds) });
}

export async function releaseScans(session: Session, jobs: readonly Claimed[]): Promise<void> {
  await changeHeld(session, jobs, { claim: null, lease_expires_at: null });
}

async function changeHeld(
  session: Session,
  jobs: readonly Claimed[],
  columns: { claim?: null; lease_expires_at: ReturnType<Session['dialect']['nowPlus']> | null },
): Promise<void> {
  if (jobs.length === 0) return;
  await lockVerdicts(session, jobs);
  await session.db
    .updateTable('content_verdicts')
    .from(session.dialect.rowSetOf(CLAIM_COLUMNS, claimText(jobs)))
    .set(columns)
    .whereRef('content_verdicts.organization_id', '=', 'r.organization_id')
    .whereRef('content_verdicts.sha256', '=', 'r.sha256')
    .whereRef('content_verdicts.claim', '=', 'r.claim')
    .execute();
}

const CLAIM_COLUMNS = { ...CONTENT_COLUMNS, claim: 'uuid' } as const;

function claimText(claimed: readonly Claimed[]): string {
  return toJsonText(
    claimed.map(({ organizationId, sha256, claim }) => ({ organization_id: organizationId, sha256, claim })),
  );
}

async function describeJobs(session: Session, claimed: readonly Claimed[]): Promise<ScanJob[]> {
  if (claimed.length === 0) return [];
  const copies = byContent(await storedCopies(session, claimed));
  return claimed.map((job) => {
    const { organizationId, sha256, claim } = job;
    return { organizationId, sha256, claim, copies: copies.get(contentKey(job)) ?? [] };
  });
}

function byContent(objects: readonly ObjectRecord[]): Map<string, ObjectRecord[]> {
  const groups = new Map<string, ObjectRecord[]>();
  for (const object of objects) groups.set(contentKey(object), [...(groups.get(contentKey(object)) ?? []), object]);
  return groups;
}

/** STORED copies of contents, wherever they are: undamaged ones before damaged ones, private ones before public ones. */
export async function storedCopies(session: Session, contents: readonly Content[]): Promise<ObjectRecord[]> {
  const objects = await storedOfContents(session, [contentText(contents)]);
  return objects.map(toObjectRecord).toSorted(byUse);
}

const storedOfContents = prepared(
  (session, [contents = '']) =>
    session.db
      .selectFrom('objects as o')
      .where('o.id', 'in', assetsOfContentText(session, contents).select('assets.object_id'))
      .where('o.state', '=', 'STORED')
      .selectAll('o'),
  1,
);

function byUse(a: ObjectRecord, b: ObjectRecord): number {
  const rank = (object: ObjectRecord) => (object.damagedAt === null ? 0 : 2) + (object.isPublic ? 1 : 0);
  return rank(a) - rank(b) || (a.id < b.id ? -1 : 1);
}
