import type { ScanStatus } from '../../core/asset.ts';
import type { Identity } from '../../core/identity.ts';
import { assetChanges, assetsOfContents, assetsOfContentText } from '../assets/asset-query.ts';
import { type AuditDraft, writeAudit } from '../audit/audit-write.ts';
import type { AuditContext, FoundVerdict, OnInfected } from '../catalog.ts';
import type { Session } from '../database.ts';
import { toJsonText } from '../json-text.ts';
import { prepared } from '../prepared.ts';
import { endFormerCopies } from '../removal/former-copies.ts';
import { CONTENT_COLUMNS, type Content, contentKey, contentText, type Verdict } from './verdicts.ts';

/** A verdict for content whose row is locked. */
export interface LockedFinding {
  content: Content;
  current: Verdict;
  found: FoundVerdict;
  onInfected: OnInfected;
}

/**
 * What content counts as after a scan: a signature that an admin accepted makes it clean, and an incomplete scan does
 * not make infected content less so.
 */
export function verdictAfter(current: Verdict, found: FoundVerdict): FoundVerdict {
  if (found.status === 'INFECTED' && found.result === current.acceptedResult) {
    return { ...found, status: 'CLEAN', result: `accepted: ${found.result}` };
  }
  return found.status === 'PENDING' && current.status === 'INFECTED' ? current : found;
}

/**
 * Writes verdicts of locked contents for every asset of theirs; claims on them end. Former copies of infected content
 * turn DELETING at once. Returns the verdicts as they are now, by content.
 */
export async function writeVerdicts(
  session: Session,
  identity: Identity,
  findings: readonly LockedFinding[],
  context: AuditContext,
  now: string,
): Promise<Map<string, FoundVerdict>> {
  const settled = findings.map(({ content, current, found, onInfected }): SettledVerdict => {
    const { status, result, signatureVersion } = verdictAfter(current, found);
    return { content, status, result, signatureVersion, onInfected };
  });
  if (settled.length === 0) return new Map();
  const infected = settled.filter(({ status }) => status === 'INFECTED').map(({ content }) => content);
  const inUse = await contentsInUse(session, infected);
  await updateRows(session, settled, inUse, now);
  await updateAssets(session, identity, settled, context, now);
  await endFormerCopies(session, infected, now);
  return new Map(
    settled.map(({ content, status, result, signatureVersion }) => [
      contentKey(content),
      { status, result, signatureVersion },
    ]),
  );
}

interface SettledVerdict extends FoundVerdict {
  content: Content;
  onInfected: OnInfected;
}

async function contentsInUse(session: Session, contents: readonly Content[]): Promise<Set<string>> {
  if (contents.length === 0) return new Set();
  const rows = await assetsOfContents(session, contents)
    .select(['assets.organization_id as organizationId', 'assets.file_hash as sha256'])
    .distinct()
    .execute();
  return new Set(rows.map(contentKey));
}

async function updateRows(
  session: Session,
  settled: readonly SettledVerdict[],
  inUse: ReadonlySet<string>,
  now: string,
): Promise<void> {
  const rows = settled.map(({ content, status, result, signatureVersion, onInfected }) => ({
    organization_id: content.organizationId,
    sha256: content.sha256,
    status,
    result,
    signature_version: signatureVersion,
    wanted: status === 'INFECTED' && inUse.has(contentKey(content)) ? onInfected : null,
  }));
  await settingVerdicts(session, [toJsonText(rows), now]);
}

const VERDICT_COLUMNS = {
  ...CONTENT_COLUMNS,
  status: 'text',
  result: 'text?',
  signature_version: 'text?',
  wanted: 'text?',
} as const;

const settingVerdicts = prepared(
  ({ db, dialect }, [verdicts = '', now = '']) =>
    db
      .updateTable('content_verdicts')
      .from(dialect.rowSetOf(VERDICT_COLUMNS, verdicts))
      .set((eb) => ({
        status: eb.ref('r.status'),
        result: eb.ref('r.result'),
        signature_version: eb.ref('r.signature_version'),
        wanted: eb.ref('r.wanted'),
        scanned_at: now,
        claim: null,
        lease_expires_at: null,
        updated_at: now,
      }))
      .whereRef('content_verdicts.organization_id', '=', 'r.organization_id')
      .whereRef('content_verdicts.sha256', '=', 'r.sha256'),
  2,
);

/** The same in `assets`, audited for each that changes. */
async function updateAssets(
  session: Session,
  identity: Identity,
  settled: readonly SettledVerdict[],
  context: AuditContext,
  now: string,
): Promise<void> {
  const byContent = new Map(settled.map((verdict) => [contentKey(verdict.content), verdict]));
  const assets = await judgedAssets(session, [contentText(settled.map(({ content }) => content))]);
  const changed = assets.flatMap((asset) => {
    const verdict = byContent.get(contentKey({ organizationId: asset.organization_id, sha256: asset.file_hash }));
    const differs = verdict?.status !== asset.virus_scan_status || verdict.result !== asset.virus_scan_result;
    return verdict !== undefined && differs ? [{ asset, verdict }] : [];
  });
  if (changed.length === 0) return;
  const rows = session.dialect.rowSet(
    { id: 'uuid', status: 'text', result: 'text?' },
    changed.map(({ asset, verdict }) => ({ id: asset.id, status: verdict.status, result: verdict.result })),
  );
  await assetChanges(session)
    .updateTable('assets')
    .from(rows)
    .set((eb) => ({ virus_scan_status: eb.ref('r.status'), virus_scan_result: eb.ref('r.result'), updated_at: now }))
    .whereRef('assets.id', '=', 'r.id')
    .execute();
  const audit = changed.map(
    ({ asset, verdict }): AuditDraft => ({
      actor: identity.user,
      organizationId: asset.organization_id,
      action: 'scanned',
      assetId: asset.id,
      assetUserId: asset.user_id,
      outcome: 'success',
      details: {
        originalFilename: asset.original_filename,
        previousStatus: asset.virus_scan_status,
        ...scanDetails(verdict),
      },
    }),
  );
  await writeAudit(session, audit, context, now);
}

const judgedAssets = prepared(
  (session, [contents = '']) =>
    assetsOfContentText(session, contents)
      .select(['assets.id', 'assets.user_id', 'assets.organization_id', 'assets.file_hash'])
      .select(['assets.virus_scan_status', 'assets.virus_scan_result', 'assets.original_filename']),
  1,
);

/** What the audit trail says of a verdict. */
export function scanDetails({ status, result, signatureVersion }: FoundVerdict): Readonly<Record<string, unknown>> {
  const named: Record<ScanStatus, string> = { CLEAN: 'note', INFECTED: 'signature', PENDING: 'reason' };
  const detail = result === null ? {} : { [named[status]]: result };
  return { scanStatus: status, ...detail, signatureVersion };
}
