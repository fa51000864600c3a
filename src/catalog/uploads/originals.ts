import { sql } from 'kysely';
import { assetsIn, assetsOnObjects } from '../assets/asset-query.ts';
import type { KnownResult, ObjectRecord, TransformedOriginal, UploadCommit } from '../catalog.ts';
import type { Session } from '../database.ts';
import { toObjectRecord } from '../rows.ts';
import { type Content, contentRows } from '../verdicts/verdicts.ts';

/*
 * What images were before their profile made of them what is stored. A row belongs to the content that came of it:
 * whoever holds the lock on that content's verdict adds it with an asset, and takes it away with the last one.
 */

/** Of commits that succeeded. Images alone have an original: others cost nothing here. */
export async function rememberOriginals(session: Session, commits: readonly UploadCommit[]): Promise<void> {
  const rows = commits.flatMap(({ organizationId, sha256, original }) =>
    original === undefined
      ? []
      : {
          organization_id: organizationId,
          original_sha256: original.sha256,
          profile: original.profile,
          sha256,
        },
  );
  await session.insert('originals', rows, { ifAbsent: true });
}

/** With the last asset of a content goes what is known of how it came about. */
export async function forgetOriginals(session: Session, contents: readonly Content[]): Promise<void> {
  if (contents.length === 0) return;
  await session.db
    .deleteFrom('originals')
    .where((eb) =>
      eb(
        eb.refTuple('originals.organization_id', 'originals.sha256'),
        'in',
        eb
          .selectFrom(contentRows(session, contents))
          .select(['r.organization_id', 'r.sha256'])
          .$asTuple('organization_id', 'sha256'),
      ),
    )
    .where(sql<boolean>`not exists (
      select 1 from assets
      where assets.organization_id = originals.organization_id and assets.file_hash = originals.sha256)`)
    .execute();
}

/** What became of an original by a profile, as far as it can be used in this backend without decoding the original. */
export async function knownResult(
  session: Session,
  organizationId: string,
  backend: string,
  original: TransformedOriginal,
): Promise<KnownResult | undefined> {
  const rows = await session.db
    .selectFrom('originals')
    .where('organization_id', '=', organizationId)
    .where('original_sha256', '=', original.sha256)
    .where('profile', '=', original.profile)
    .select('sha256')
    .execute();
  if (rows.length === 0) return undefined;
  const results = rows.map(({ sha256 }) => sha256);
  if (results.includes(original.sha256)) return { kind: 'as-it-came' };
  return (
    (await sharedResult(session, organizationId, backend, results)) ??
    (await publicResult(session, organizationId, backend, results))
  );
}

async function sharedResult(
  session: Session,
  organizationId: string,
  backend: string,
  results: readonly string[],
): Promise<KnownResult | undefined> {
  const object = await session.db
    .selectFrom('objects')
    .where('organization_id', '=', organizationId)
    .where('backend', '=', backend)
    .where('sha256', 'in', results)
    .where(sql<boolean>`state = 'STORED' and is_public = false`)
    .where('damaged_at', 'is', null)
    .selectAll()
    .limit(1)
    .executeTakeFirst();
  return object === undefined ? undefined : storedResult(session, toObjectRecord(object));
}

/** By way of the assets: each public one has an object of its own, and their hashes have an index. */
async function publicResult(
  session: Session,
  organizationId: string,
  backend: string,
  results: readonly string[],
): Promise<KnownResult | undefined> {
  const asset = await assetsIn(session, { organization: organizationId })
    .innerJoin('objects', 'objects.id', 'assets.object_id')
    .where('assets.file_hash', 'in', results)
    .where('assets.is_public', '=', true)
    .where('assets.backend', '=', backend)
    .where(sql<boolean>`objects.state = 'STORED' and objects.is_public = true`)
    .where('objects.damaged_at', 'is', null)
    .selectAll('objects')
    .limit(1)
    .executeTakeFirst();
  return asset === undefined ? undefined : storedResult(session, toObjectRecord(asset));
}

async function storedResult(session: Session, object: ObjectRecord): Promise<KnownResult | undefined> {
  // Of an image the type is told by the bytes alone: all its assets have the same.
  const asset = await assetsOnObjects(session, [object.id]).select('assets.mime_type').limit(1).executeTakeFirst();
  return asset === undefined ? undefined : { kind: 'stored', object, mimeType: asset.mime_type };
}
