import { decideOnAsset } from '../../core/access-policy.ts';
import type { Asset } from '../../core/asset.ts';
import type { Identity } from '../../core/identity.ts';
import { isQuarantineKey } from '../../core/storage-key.ts';
import { assetsOfContents } from '../assets/asset-query.ts';
import { writeAudit } from '../audit/audit-write.ts';
import type { Acceptance, AuditContext, ClaimedObject, ContentRef, ObjectRecord, RefusalReason } from '../catalog.ts';
import type { Session } from '../database.ts';
import { deletedEvent, lockAssets, removeLocked } from '../removal/deletes.ts';
import { refusedEvent } from '../removal/lifecycle.ts';
import { storedCopies } from './verdict-claims.ts';
import { scanDetails, writeVerdicts } from './verdict-write.ts';
import { contentKey, lockVerdicts, UNJUDGED, type Verdict } from './verdicts.ts';

/**
 * Content that was in quarantine once may have turned CLEAN since, and other assets have come to its key, which is known
 * outside then.
 */
export async function copiesOutside(session: Session, content: ContentRef): Promise<ObjectRecord[]> {
  const reachable = await objectsOf(session, content, 'is');
  const copies = await storedCopies(session, [content]);
  return copies.filter((copy) => !isQuarantineKey(copy.storagePath) || reachable.has(copy.id));
}

/** CLEAN content may have left its key since, with a migration or for a copy that is whole, and its assets with it. */
export async function copiesInQuarantine(session: Session, content: ContentRef): Promise<ObjectRecord[]> {
  const held = await objectsOf(session, content, 'is not');
  const copies = await storedCopies(session, [content]);
  return copies.filter((copy) => isQuarantineKey(copy.storagePath) || held.has(copy.id));
}

/** The objects of its assets that were never put into quarantine, or of those that were. */
async function objectsOf(session: Session, content: ContentRef, quarantined: 'is' | 'is not'): Promise<Set<string>> {
  const rows = await assetsOfContents(session, [content])
    .where('assets.quarantined_at', quarantined, null)
    .select('assets.object_id')
    .distinct()
    .execute();
  return new Set(rows.map((row) => row.object_id));
}

/** Nothing is wanted any more once every stored copy is in quarantine. */
export async function settleQuarantine(session: Session, content: ContentRef): Promise<boolean> {
  await lockVerdicts(session, [content]);
  const outside = await copiesOutside(session, content);
  if (outside.length > 0 || (await isStillThere(session, content))) return false;
  await settleWanted(session, content, 'quarantine');
  return true;
}

/** Former copies are readable until their bytes are gone; of a row that is only kept on, they are. */
async function isStillThere(session: Session, content: ContentRef): Promise<boolean> {
  const row = await session.db
    .selectFrom('objects')
    .select('id')
    .where('organization_id', '=', content.organizationId)
    .where('sha256', '=', content.sha256)
    .where('state', 'in', ['DELETING', 'RETAINED'])
    .where('stored_size', '>', 0)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** What was wanted is done. */
async function settleWanted(session: Session, content: ContentRef, done: string): Promise<void> {
  await session.db
    .updateTable('content_verdicts')
    .set({ wanted: null, updated_at: session.dialect.now })
    .where('organization_id', '=', content.organizationId)
    .where('sha256', '=', content.sha256)
    .where('wanted', '=', done)
    .execute();
}

export async function deleteInfected(
  session: Session,
  identity: Identity,
  content: ContentRef,
  leaseSeconds: number,
  context: AuditContext,
): Promise<{ assets: Asset[]; removable: ClaimedObject[] }> {
  const verdict = (await lockVerdicts(session, [content])).get(contentKey(content));
  const isWanted = verdict?.status === 'INFECTED' && (await wantedOf(session, content)) === 'delete';
  if (!isWanted) return { assets: [], removable: [] };
  const now = await session.now();
  const rows = await assetsOfContents(session, [content]).select('assets.id').execute();
  const locked = await lockAssets(
    session,
    rows.map(({ id }) => id),
  );
  const deleted = [...locked.values()];
  const freed = await removeLocked(session, deleted, leaseSeconds, now);
  const details = { reason: 'infected', signature: verdict.result };
  await writeAudit(
    session,
    deleted.map(({ asset }) => deletedEvent(identity, asset, details)),
    context,
    now,
  );
  await settleWanted(session, content, 'delete');
  return {
    assets: deleted.map(({ asset }) => asset),
    removable: [...freed.values()].map(({ removable }) => removable),
  };
}

async function wantedOf(session: Session, content: ContentRef): Promise<string | null> {
  const row = await session.db
    .selectFrom('content_verdicts')
    .select('wanted')
    .where('organization_id', '=', content.organizationId)
    .where('sha256', '=', content.sha256)
    .executeTakeFirst();
  return row?.wanted ?? null;
}

/** The signature is accepted for the content; the bytes are still in quarantine then. */
export async function acceptSignature(
  session: Session,
  identity: Identity,
  assetId: string,
  context: AuditContext,
): Promise<Acceptance> {
  const now = await session.now();
  const state = (await lockAssets(session, [assetId])).get(assetId);
  const reason = refusalToRelease(identity, state?.asset, now);
  if (state === undefined || reason !== undefined) {
    const event = refusedEvent(identity, 'restored', assetId, reason ?? 'missing', state?.asset);
    await writeAudit(session, [event], context, now);
    return { kind: 'refused', reason: reason ?? 'missing' };
  }
  const content = { organizationId: state.asset.organizationId, sha256: state.asset.fileHash };
  const current = (await lockVerdicts(session, [content])).get(contentKey(content)) ?? UNJUDGED;
  if (current.status !== 'INFECTED') return { kind: 'accepted', signature: current.acceptedResult, content };
  await accept(session, identity, content, current, context, now);
  await writeAudit(session, [acceptedEvent(identity, state.asset, current)], context, now);
  return { kind: 'accepted', signature: current.result, content };
}

function refusalToRelease(identity: Identity, asset: Asset | undefined, now: string): RefusalReason | undefined {
  if (asset === undefined) return 'missing';
  const decision = decideOnAsset(identity, 'release', asset);
  if (decision !== 'allow') return decision === 'hide' ? 'missing' : 'denied';
  if (asset.status !== 'quarantined' && asset.virusScanStatus !== 'INFECTED') return 'not-in-quarantine';
  return asset.expiresAt !== null && asset.expiresAt <= now ? 'expired' : undefined;
}

/** From now on the content counts as if it had been found clean; who accepted what is in the audit trail. */
async function accept(
  session: Session,
  identity: Identity,
  content: ContentRef,
  current: Verdict,
  context: AuditContext,
  now: string,
): Promise<void> {
  await session.db
    .updateTable('content_verdicts')
    .set({ accepted_result: current.result, updated_at: now })
    .where('organization_id', '=', content.organizationId)
    .where('sha256', '=', content.sha256)
    .execute();
  const accepted = { ...current, acceptedResult: current.result };
  const finding = { content, current: accepted, found: current, onInfected: 'quarantine' as const };
  await writeVerdicts(session, identity, [finding], context, now);
}

function acceptedEvent(identity: Identity, asset: Asset, current: Verdict) {
  return {
    actor: identity.user,
    organizationId: asset.organizationId,
    action: 'accepted',
    assetId: asset.id,
    assetUserId: asset.userId,
    outcome: 'success' as const,
    details: { originalFilename: asset.originalFilename, ...scanDetails(current) },
  };
}
