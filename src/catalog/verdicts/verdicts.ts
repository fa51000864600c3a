import type { Selectable } from 'kysely';
import type { ScanStatus } from '../../core/asset.ts';
import type { ContentRef, KnownVerdict } from '../catalog.ts';
import type { Session } from '../database.ts';
import { toJsonText } from '../json-text.ts';
import { prepared } from '../prepared.ts';
import type { OpenTables } from '../tables.ts';

export type Content = ContentRef;

const VERDICT_COLUMNS = [
  'v.organization_id',
  'v.sha256',
  'v.status',
  'v.result',
  'v.signature_version',
  'v.scanned_at',
  'v.accepted_result',
  'v.claim',
  'v.lease_expires_at',
] as const;

type VerdictRow = Omit<Selectable<OpenTables['content_verdicts']>, 'wanted' | 'created_at' | 'updated_at'>;

/** As it is under lock. */
export interface Verdict extends KnownVerdict {
  /** A signature that an admin accepted: it no longer makes this content infected. */
  acceptedResult: string | null;
  claim: string | null;
  leaseExpiresAt: string | null;
}

/** Of content that was never scanned. */
export const UNJUDGED: Verdict = {
  status: 'PENDING',
  result: null,
  signatureVersion: null,
  scannedAt: null,
  acceptedResult: null,
  claim: null,
  leaseExpiresAt: null,
};

export function contentKey(content: Content): string {
  return `${content.organizationId}/${content.sha256}`;
}

export function distinctContents(contents: readonly Content[]): Content[] {
  return [...new Map(contents.map((content) => [contentKey(content), content])).values()];
}

/** Distinct contents in the order in which every transaction locks them. */
function inLockOrder(contents: readonly Content[]): { organization_id: string; sha256: string }[] {
  return distinctContents(contents)
    .map(({ organizationId, sha256 }) => ({ organization_id: organizationId, sha256 }))
    .sort((a, b) => compare(a.organization_id, b.organization_id) || compare(a.sha256, b.sha256));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Of contents as a table `r`. */
export const CONTENT_COLUMNS = { organization_id: 'text', sha256: 'text' } as const;

/** Contents as a table `r (organization_id, sha256)`. */
export function contentRows(session: Session, contents: readonly Content[]) {
  return session.dialect.rowSet(CONTENT_COLUMNS, contents.map(toContentRow));
}

/** The same as the JSON that a prepared query takes. */
export function contentText(contents: readonly Content[]): string {
  return toJsonText(contents.map(toContentRow));
}

export function toContentRow({ organizationId, sha256 }: Content) {
  return { organization_id: organizationId, sha256 };
}

/**
 * Makes a PENDING verdict for contents that have none: from the content's first upload on there is one. Returns whether
 * all of them are new: this transaction then holds them, and there is nothing to know of them.
 */
export async function ensureVerdicts(session: Session, contents: readonly Content[], now: string): Promise<boolean> {
  const rows = inLockOrder(contents).map((content) => ({
    status: 'PENDING',
    result: null,
    signature_version: null,
    scanned_at: null,
    wanted: null,
    accepted_result: null,
    claim: null,
    lease_expires_at: null,
    created_at: now,
    updated_at: now,
    ...content,
  }));
  return (await session.insert('content_verdicts', rows, { ifAbsent: true })) === rows.length;
}

/**
 * Locks the contents' verdicts in (organisation, sha256) order. Every transaction that adds, moves or removes
 * a reference does this first; after it no reference to these contents changes. With `skipLocked` the answer lacks
 * what another transaction holds.
 */
export async function lockVerdicts(
  session: Session,
  contents: readonly Content[],
  options: { skipLocked: boolean } = { skipLocked: false },
): Promise<Map<string, Verdict>> {
  const wanted = toJsonText(inLockOrder(contents));
  if (!options.skipLocked) return byContent(await lockedVerdicts(session, [wanted]));
  return byContent(await session.dialect.forUpdate(verdictRows(session, wanted), 'v', options).execute());
}

/** The same for who asks only which contents are infected: their keys. */
export async function lockInfected(session: Session, contents: readonly Content[]): Promise<Set<string>> {
  const verdicts = session.dialect.writesAlone
    ? byContent(await infectedNow(session, [toJsonText(inLockOrder(contents))]))
    : await lockVerdicts(session, contents);
  return new Set([...verdicts].filter(([, { status }]) => status === 'INFECTED').map(([key]) => key));
}

/** The contents' verdicts as they are at this moment. */
export async function readVerdicts(session: Session, contents: readonly Content[]): Promise<Map<string, Verdict>> {
  return byContent(await verdictsNow(session, [toJsonText(inLockOrder(contents))]));
}

const lockedVerdicts = prepared(
  (session, [wanted = '']) => session.dialect.forUpdate(verdictRows(session, wanted), 'v'),
  1,
);

const verdictsNow = prepared((session, [wanted = '']) => verdictRows(session, wanted), 1);

const infectedNow = prepared(
  (session, [wanted = '']) => verdictRows(session, wanted).where('v.status', '=', 'INFECTED'),
  1,
);

function verdictRows(session: Session, wanted: string) {
  const contents = session.dialect.rowSetOf(CONTENT_COLUMNS, wanted);
  return session.db
    .selectFrom('content_verdicts as v')
    .innerJoin(contents, (join) =>
      join.onRef('v.organization_id', '=', 'r.organization_id').onRef('v.sha256', '=', 'r.sha256'),
    )
    .select(VERDICT_COLUMNS)
    .orderBy('v.organization_id')
    .orderBy('v.sha256');
}

function byContent(rows: readonly VerdictRow[]): Map<string, Verdict> {
  return new Map(
    rows.map((row) => [contentKey({ organizationId: row.organization_id, sha256: row.sha256 }), toVerdict(row)]),
  );
}

function toVerdict(row: VerdictRow): Verdict {
  return {
    status: row.status as ScanStatus,
    result: row.result,
    signatureVersion: row.signature_version,
    scannedAt: row.scanned_at,
    acceptedResult: row.accepted_result,
    claim: row.claim,
    leaseExpiresAt: row.lease_expires_at,
  };
}
