import { sql } from 'kysely';
import type { ClaimedObject, UploadWrites } from '../catalog.ts';
import type { Database, Session } from '../database.ts';
import { type Claim, claimRows, holdObjects, toClaimedObject } from '../objects.ts';
import { commitUploads } from './upload-commit.ts';
import { reserveUploads } from './upload-reserve.ts';

export function uploadWrites(database: Database): UploadWrites {
  return {
    reserve: (requests, leaseSeconds) => database.write((session) => reserveUploads(session, requests, leaseSeconds)),
    commit: (identity, commits, context) =>
      database.write((session) => commitUploads(session, identity, commits, context)),
    renew: (claims, leaseSeconds) => database.write((session) => renew(session, claims, leaseSeconds)),
    abandon: (claims, leaseSeconds) => database.write((session) => abandon(session, claims, leaseSeconds)),
    recordSession: (objectId, claim, upload) =>
      database.write((session) => recordSession(session, objectId, claim, upload)),
  };
}

async function renew(session: Session, claims: readonly Claim[], leaseSeconds: number): Promise<void> {
  if (claims.length === 0) return;
  await holdObjects(session, objectIds(claims));
  await session.db
    .updateTable('objects')
    .from(claimRows(session, claims))
    .set({ lease_expires_at: session.dialect.nowPlus(leaseSeconds) })
    .whereRef('objects.id', '=', 'r.id')
    .whereRef('objects.claim', '=', 'r.claim')
    .where('objects.state', 'in', ['PENDING', 'DELETING'])
    .execute();
}

async function abandon(session: Session, claims: readonly Claim[], leaseSeconds: number): Promise<ClaimedObject[]> {
  if (claims.length === 0) return [];
  await holdObjects(session, objectIds(claims));
  const rows = await session.db
    .updateTable('objects')
    .from(claimRows(session, claims))
    .set({
      state: 'DELETING',
      lease_expires_at: session.dialect.nowPlus(leaseSeconds),
      copied_from: null,
      updated_at: session.dialect.now,
    })
    .whereRef('objects.id', '=', 'r.id')
    .whereRef('objects.claim', '=', 'r.claim')
    .where('objects.state', '=', sql.lit('PENDING'))
    .returning(['objects.id', 'objects.claim', 'objects.backend', 'objects.storage_path'])
    .execute();
  return rows.map(toClaimedObject);
}

async function recordSession(session: Session, objectId: string, claim: string, upload: string): Promise<void> {
  await session.db
    .updateTable('objects')
    .set({ upload_session: upload, updated_at: session.dialect.now })
    .where('id', '=', objectId)
    .where('claim', '=', claim)
    .where('state', '=', sql.lit('PENDING'))
    .execute();
}

function objectIds(claims: readonly Claim[]): string[] {
  return claims.map((claim) => claim.objectId);
}
