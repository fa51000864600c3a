import type { Asset } from '../../core/asset.ts';
import { parseTime } from '../../core/calendar.ts';
import type { Identity } from '../../core/identity.ts';
import { neighbouringAssetIds } from '../../core/neighbouring-uuids.ts';
import { keyFilename } from '../../core/storage-key.ts';
import { assetChanges } from '../assets/asset-query.ts';
import { tagRows } from '../assets/tag-rows.ts';
import { type AuditDraft, writeAudit } from '../audit/audit-write.ts';
import type {
  AuditContext,
  ClaimedObject,
  Doer,
  NewAsset,
  ObjectRecord,
  UploadCommit,
  UploadCommitResult,
} from '../catalog.ts';
import type { Session } from '../database.ts';
import { secondsAfter } from '../filters.ts';
import { toJsonText } from '../json-text.ts';
import { lockObjects, markDeleting, markStored, storedObjects } from '../objects.ts';
import { toAsset } from '../rows.ts';
import { END_OF_TIME, type TableRow } from '../tables.ts';
import { type LockedFinding, scanDetails, writeVerdicts } from '../verdicts/verdict-write.ts';
import { contentKey, lockVerdicts, UNJUDGED, type Verdict } from '../verdicts/verdicts.ts';
import { rememberOriginals } from './originals.ts';
import { type CommitOutcome, planCommits } from './upload-plan.ts';

const DISCARD_LEASE_SECONDS = 30;
const RETAIN_DAMAGED_SECONDS = 30 * 24 * 3600;

/** Rule 1, last transaction: objects STORED, assets and audit events, or the reason why not, for each commit. */
export async function commitUploads(
  session: Session,
  identity: Identity,
  commits: readonly UploadCommit[],
  context: AuditContext,
): Promise<UploadCommitResult[]> {
  if (commits.length === 0) return [];
  const now = await session.now();
  const verdicts = await lockVerdicts(session, commits);
  await applyVerdicts(session, identity, commits, verdicts, context, now);
  const present = await storedObjects(session, commits);
  const named = commits.flatMap(({ object }) => (object.kind === 'same-as' ? [] : [object.objectId]));
  const objects = await lockObjects(session, [...present.map((object) => object.id), ...named]);
  const plan = planCommits(commits, verdicts, objects);

  const audit: AuditDraft[] = [];
  await retireDamaged(session, plan.replaced, now);
  await markStored(session, plan.stored, now);
  for (const { from, to } of plan.replaced) {
    audit.push(...(await moveAssets(session, identity, from, to, now)));
  }
  const discarded = new Map(
    (await markDeleting(session, plan.discarded, DISCARD_LEASE_SECONDS, now)).map((object) => [
      object.objectId,
      object,
    ]),
  );
  const newId = neighbouringAssetIds();
  const rows = commits.map((commit, index) => {
    const outcome = plan.outcomes[index];
    return outcome?.kind === 'committed' ? assetRow(newId(), commit, outcome, now) : undefined;
  });
  const inserted = rows.filter((row) => row !== undefined);
  await session.insert('assets', inserted);
  await session.insert('asset_tags', inserted.flatMap(tagRows));
  await rememberOriginals(
    session,
    commits.filter((_, index) => rows[index] !== undefined),
  );
  for (const [index, commit] of commits.entries()) {
    const row = rows[index];
    const outcome = plan.outcomes[index];
    if (row !== undefined && outcome?.kind === 'committed') {
      audit.push(uploaded(commit.by ?? { identity, audit: context }, commit, row, outcome));
    }
  }
  await writeAudit(session, audit, context, now);
  return plan.outcomes.map((outcome, index) => toResult(outcome, rows[index], discarded));
}

/** What scans found in the contents of these commits counts for them, and for every other asset of the same. */
async function applyVerdicts(
  session: Session,
  identity: Identity,
  commits: readonly UploadCommit[],
  verdicts: Map<string, Verdict>,
  context: AuditContext,
  now: string,
): Promise<void> {
  const findings = new Map<string, LockedFinding>();
  for (const { organizationId, sha256, verdict: found } of commits) {
    const content = { organizationId, sha256 };
    const current = verdicts.get(contentKey(content));
    // Known as infected: refused below, whatever this scan found.
    if (found === undefined || current === undefined || current.status === 'INFECTED') continue;
    findings.set(contentKey(content), { content, current, found, onInfected: 'quarantine' });
  }
  for (const [key, verdict] of await writeVerdicts(session, identity, [...findings.values()], context, now)) {
    verdicts.set(key, { ...(verdicts.get(key) ?? UNJUDGED), ...verdict, scannedAt: now });
  }
}

/** Before its successor becomes STORED: only one private object of a content may be. */
async function retireDamaged(
  session: Session,
  replaced: readonly { from: string; to: ObjectRecord }[],
  now: string,
): Promise<void> {
  for (const { from } of replaced) {
    await session.db
      .updateTable('objects')
      .set((eb) => ({
        state: 'RETAINED',
        retain_until: session.dialect.nowPlus(RETAIN_DAMAGED_SECONDS),
        damaged_at: eb.fn.coalesce('damaged_at', session.dialect.now),
        updated_at: now,
      }))
      .where('id', '=', from)
      .execute();
  }
}

/** Rule 6 for a repair: all assets of the damaged bytes, as they are now, go to the new ones. */
async function moveAssets(
  session: Session,
  identity: Identity,
  from: string,
  to: ObjectRecord,
  now: string,
): Promise<AuditDraft[]> {
  const moved = await assetChanges(session)
    .updateTable('assets')
    .set({
      object_id: to.id,
      filename: keyFilename(to.storagePath),
      storage_provider: to.storageProvider,
      backend: to.backend,
      storage_path: to.storagePath,
      damaged_at: null,
      updated_at: now,
    })
    .where('object_id', '=', from)
    .returning(['id', 'user_id', 'organization_id'])
    .execute();
  return moved.map((asset) => ({
    actor: identity.user,
    organizationId: asset.organization_id,
    action: 'repaired',
    assetId: asset.id,
    assetUserId: asset.user_id,
    outcome: 'success',
    details: { from, to: to.id, storagePath: to.storagePath },
  }));
}

type Committed = CommitOutcome & { kind: 'committed' };

function assetRow(id: string, commit: UploadCommit, outcome: Committed, now: string): TableRow<'assets'> {
  const { asset } = commit;
  const { object, verdict } = outcome;
  return {
    id,
    object_id: object.id,
    filename: keyFilename(object.storagePath),
    original_filename: asset.originalFilename,
    file_size: object.size,
    mime_type: asset.mimeType,
    file_hash: object.sha256,
    asset_type: asset.assetType,
    storage_provider: object.storageProvider,
    backend: object.backend,
    storage_path: object.storagePath,
    cdn_url: asset.cdnUrl,
    user_id: asset.userId,
    organization_id: object.organizationId,
    project_id: asset.projectId,
    scan_result_id: asset.scanResultId,
    is_public: object.isPublic,
    is_processed: asset.isProcessed,
    virus_scan_status: verdict.status,
    virus_scan_result: verdict.result,
    expires_at: expiryOf(asset, now),
    download_count: 0,
    last_accessed_at: null,
    created_at: now,
    updated_at: now,
    tags: toJsonText(asset.tags),
    trashed_at: null,
    quarantined_at: null,
    damaged_at: null,
    trash_ends_at: null,
  };
}

function expiryOf(asset: NewAsset, now: string): string | null {
  if (asset.expiresInSeconds !== undefined) return secondsAfter(now, asset.expiresInSeconds);
  return asset.expiresAt === null ? null : parseTime(asset.expiresAt);
}

function uploaded(by: Doer, commit: UploadCommit, row: TableRow<'assets'>, outcome: Committed): AuditDraft {
  return {
    context: by.audit,
    actor: by.identity.user,
    organizationId: row.organization_id,
    action: 'uploaded',
    assetId: row.id,
    assetUserId: row.user_id,
    outcome: 'success',
    details: {
      originalFilename: row.original_filename,
      assetType: row.asset_type,
      fileSize: row.file_size,
      fileHash: row.file_hash,
      backend: row.backend,
      storagePath: row.storage_path,
      deduplicated: outcome.deduplicated,
      ...(commit.verdict === undefined ? {} : scanDetails(outcome.verdict)),
      ...commit.auditDetails,
    },
  };
}

function toResult(
  outcome: CommitOutcome,
  row: TableRow<'assets'> | undefined,
  discarded: ReadonlyMap<string, ClaimedObject>,
): UploadCommitResult {
  if (outcome.kind === 'lost') return outcome;
  const discard = outcome.discard === undefined ? undefined : discarded.get(outcome.discard.objectId);
  const extra = discard === undefined ? {} : { discard };
  if (outcome.kind === 'infected') return { kind: 'infected', result: outcome.result, ...extra };
  if (row === undefined) throw new Error('a committed upload has no row');
  return { kind: 'committed', asset: newAsset(row), deduplicated: outcome.deduplicated, ...extra };
}

function newAsset(row: TableRow<'assets'>): Asset {
  return toAsset({ status: 'active', expires_sort: row.expires_at ?? END_OF_TIME, ...row });
}
