import { type SelectQueryBuilder, sql } from 'kysely';
import type { Identity, OrganizationScope } from '../../core/identity.ts';
import { assetsOfContents } from '../assets/asset-query.ts';
import type {
  AuditContext,
  ContentRef,
  KnownVerdict,
  OnInfected,
  RecordedFinding,
  ScanFinding,
  Verdicts,
  WantedContent,
} from '../catalog.ts';
import type { Database, Session } from '../database.ts';
import type { OpenTables } from '../tables.ts';
import { acceptSignature, copiesInQuarantine, copiesOutside, deleteInfected, settleQuarantine } from './infected.ts';
import { claimScans, releaseScans, renewScans, storedCopies } from './verdict-claims.ts';
import { writeVerdicts } from './verdict-write.ts';
import { contentKey, ensureVerdicts, lockVerdicts, readVerdicts } from './verdicts.ts';

/** A scan of everything that was interrupted longer ago than that begins anew. */
const RUN_SECONDS = 24 * 3600;

export function verdictStore(database: Database): Verdicts {
  return {
    known: (organizationId, hashes) => database.read((session) => known(session, organizationId, hashes)),
    startRun: (organizationId) => database.write((session) => startRun(session, organizationId)),
    endRun: (organizationId, startedAt) => database.write((session) => endRun(session, organizationId, startedAt)),
    claim: (contents, condition, limit, leaseSeconds) =>
      database.write((session) => claimScans(session, contents, condition, limit, leaseSeconds)),
    renew: (jobs, leaseSeconds) => database.write((session) => renewScans(session, jobs, leaseSeconds)),
    release: (jobs) => database.write((session) => releaseScans(session, jobs)),
    record: (identity, findings, context) => database.write((session) => record(session, identity, findings, context)),
    wanted: (scope, limit, after) => database.read((session) => wanted(session, scope, limit, after)),
    copies: (content) => database.read((session) => storedCopies(session, [content])),
    hasAssets: (content) => database.read((session) => hasAssets(session, content)),
    copiesInQuarantine: (content) => database.read((session) => copiesInQuarantine(session, content)),
    copiesOutside: (content) => database.read((session) => copiesOutside(session, content)),
    settleQuarantine: (content) => database.write((session) => settleQuarantine(session, content)),
    deleteInfected: (identity, content, leaseSeconds, context) =>
      database.write((session) => deleteInfected(session, identity, content, leaseSeconds, context)),
    accept: (identity, assetId, context) =>
      database.write((session) => acceptSignature(session, identity, assetId, context)),
  };
}

async function known(
  session: Session,
  organizationId: string,
  hashes: readonly string[],
): Promise<Map<string, KnownVerdict>> {
  if (hashes.length === 0) return new Map();
  const contents = hashes.map((sha256) => ({ organizationId, sha256 }));
  const verdicts = await readVerdicts(session, contents);
  return new Map(
    contents.flatMap((content) => {
      const verdict = verdicts.get(contentKey(content));
      return verdict === undefined ? [] : [[content.sha256, verdict]];
    }),
  );
}

async function startRun(session: Session, organizationId: string): Promise<string> {
  const { db, dialect } = session;
  await db
    .deleteFrom('scan_runs')
    .where('organization_id', '=', organizationId)
    .where('started_at', '<', dialect.nowPlus(-RUN_SECONDS))
    .execute();
  const started_at = await session.now();
  await session.insert('scan_runs', [{ organization_id: organizationId, started_at }], { ifAbsent: true });
  const run = await db
    .selectFrom('scan_runs')
    .select('started_at')
    .where('organization_id', '=', organizationId)
    .executeTakeFirstOrThrow();
  return run.started_at;
}

async function endRun(session: Session, organizationId: string, startedAt: string): Promise<void> {
  await session.db
    .deleteFrom('scan_runs')
    .where('organization_id', '=', organizationId)
    .where('started_at', '=', startedAt)
    .execute();
}

async function record(
  session: Session,
  identity: Identity,
  findings: readonly ScanFinding[],
  context: AuditContext,
): Promise<RecordedFinding[]> {
  if (findings.length === 0) return [];
  const now = await session.now();
  await ensureVerdicts(
    session,
    findings.filter(({ claim }) => claim === undefined),
    now,
  );
  const current = await lockVerdicts(session, findings);
  const valid = findings.flatMap((finding) => {
    const { organizationId, sha256, claim, verdict: found, onInfected } = finding;
    const content = { organizationId, sha256 };
    const row = current.get(contentKey(content));
    const holds = row !== undefined && (claim === undefined || row.claim === claim);
    return holds ? [{ content, current: row, found, onInfected }] : [];
  });
  const verdicts = await writeVerdicts(session, identity, valid, context, now);
  const told = valid.map(({ content }) => content).filter((each) => verdicts.get(contentKey(each))?.status !== 'CLEAN');
  const assets = await assetIdsOf(session, told);
  return findings.map((finding): RecordedFinding => {
    const key = contentKey(finding);
    const verdict = verdicts.get(key);
    return verdict === undefined ? { kind: 'lost' } : { kind: 'recorded', verdict, assetIds: assets.get(key) ?? [] };
  });
}

async function hasAssets(session: Session, content: ContentRef): Promise<boolean> {
  const asset = await assetsOfContents(session, [content]).select('assets.id').limit(1).executeTakeFirst();
  return asset !== undefined;
}

async function assetIdsOf(session: Session, contents: readonly ContentRef[]): Promise<Map<string, string[]>> {
  const ids = new Map<string, string[]>();
  if (contents.length === 0) return ids;
  const rows = await assetsOfContents(session, contents)
    .select(['assets.id', 'assets.organization_id as organizationId', 'assets.file_hash as sha256'])
    .orderBy('assets.created_at')
    .orderBy('assets.id')
    .execute();
  for (const row of rows) ids.set(contentKey(row), [...(ids.get(contentKey(row)) ?? []), row.id]);
  return ids;
}

async function wanted(
  session: Session,
  scope: OrganizationScope,
  limit: number,
  after: ContentRef | undefined,
): Promise<WantedContent[]> {
  let query: SelectQueryBuilder<OpenTables, 'content_verdicts', object> = session.db
    .selectFrom('content_verdicts')
    .where('wanted', 'is not', null);
  if ('organization' in scope) query = query.where('organization_id', '=', scope.organization);
  if (after !== undefined) {
    query = query.where(sql<boolean>`(organization_id, sha256) > (${after.organizationId}, ${after.sha256})`);
  }
  const rows = await query
    .select(['organization_id', 'sha256', 'wanted', 'result', 'signature_version'])
    .orderBy('organization_id')
    .orderBy('sha256')
    .limit(limit)
    .execute();
  const contents = rows.map((row) => ({ organizationId: row.organization_id, sha256: row.sha256 }));
  const assets = await assetIdsOf(session, contents);
  return rows.map((row) => ({
    organizationId: row.organization_id,
    sha256: row.sha256,
    wanted: row.wanted as OnInfected,
    signature: row.result ?? 'unknown signature',
    signatureVersion: row.signature_version,
    assetIds: assets.get(`${row.organization_id}/${row.sha256}`) ?? [],
  }));
}
