import { type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import type { Identity, OrganizationScope } from '../../core/identity.ts';
import type { ContentRef } from '../catalog.ts';
import type { Session } from '../database.ts';
import type { AllTables } from '../tables.ts';
import { CONTENT_COLUMNS, contentText } from '../verdicts/verdicts.ts';

export type AssetSelection = SelectQueryBuilder<AllTables, 'assets', object>;

/*
 * The only place that opens the tables of assets: whoever queries them says for which
 * organisation, for which identity, or takes rows to a decision of the access policy.
 */
function assetTables(session: Session): Kysely<AllTables> {
  return session.db.withTables<AllTables>();
}

/** Assets of one organisation, or, said aloud, of all. */
export function assetsIn(session: Session, scope: OrganizationScope): AssetSelection {
  const query = assetTables(session).selectFrom('assets');
  return 'organization' in scope ? query.where('assets.organization_id', '=', scope.organization) : query;
}

/** Assets that carry a tag, by way of the tag's index. The tags' table is `t`; it goes first. */
export function taggedAssetsIn(session: Session, scope: OrganizationScope, name: string, value: string) {
  const query = assetTables(session)
    .selectFrom('asset_tags as t')
    .crossJoin('assets')
    .whereRef('assets.id', '=', 't.asset_id')
    .where('t.name', '=', name)
    .where('t.value', '=', value);
  return 'organization' in scope ? query.where('t.organization_id', '=', scope.organization) : query;
}

/** The rows of one tag alone, in the order of their assets' creation. */
export function tagRowsIn(session: Session, scope: OrganizationScope, name: string, value: string) {
  const query = assetTables(session)
    .selectFrom('asset_tags as t')
    .where('t.name', '=', name)
    .where('t.value', '=', value);
  return 'organization' in scope ? query.where('t.organization_id', '=', scope.organization) : query;
}

/** A part of the assets, with the columns that its index of creation holds, under the name `assets`. */
export function stretchOf(session: Session, stretch: AssetSelection): AssetSelection {
  const columns = [
    'assets.created_at',
    'assets.id',
    'assets.status',
    'assets.expires_sort',
    'assets.file_size',
    'assets.original_filename',
  ] as const;
  return assetTables(session).selectFrom(stretch.select(columns).as('assets')) as AssetSelection;
}

/** Assets of the scope by their ids, whose own index is the way to them. */
export function assetsByIds(session: Session, scope: OrganizationScope, ids: readonly string[]): AssetSelection {
  const query = assetsToDecideOn(session, ids);
  if (!('organization' in scope)) return query;
  return query.where(sql<boolean>`${organizationAside(session)} = ${scope.organization}`);
}

/**
 * Assets that the identity may read: its organisation's and public ones that are not in the trash; an operator
 * everything. By id or its beginning.
 */
export function assetsVisibleTo(session: Session, identity: Identity): AssetSelection {
  const query = assetTables(session).selectFrom('assets');
  if (identity.role === 'operator') return query;
  const own = sql<boolean>`${organizationAside(session)} = ${identity.organization}`;
  return query.where((eb) =>
    eb.or([own, eb.and([eb('assets.is_public', '=', true), eb('assets.trashed_at', 'is', null)])]),
  );
}

/** Kept from the planner, which would rather read a whole organisation than look for ids. */
function organizationAside(session: Session) {
  return session.dialect.withoutIndex('assets.organization_id', 'text');
}

/** Rows by id, of any organisation: the caller asks the access policy about each before it tells or changes anything. */
export function assetsToDecideOn(session: Session, ids: readonly string[]): AssetSelection {
  const wanted = session.dialect.rowSet(
    { id: 'uuid' },
    ids.map((id) => ({ id })),
  );
  return assetTables(session)
    .selectFrom('assets')
    .where('assets.id', 'in', (eb) => eb.selectFrom(wanted).select('r.id'));
}

/** The assets on these objects: references are counted and moved by object, and an object has one organisation. */
export function assetsOnObjects(session: Session, objectIds: readonly string[]): AssetSelection {
  const wanted = session.dialect.rowSet(
    { id: 'uuid' },
    objectIds.map((id) => ({ id })),
  );
  return assetTables(session)
    .selectFrom('assets')
    .where('assets.object_id', 'in', (eb) => eb.selectFrom(wanted).select('r.id'));
}

/** The assets of these contents, by way of the hash's index; content belongs to an organisation. */
export function assetsOfContents(session: Session, contents: readonly ContentRef[]): AssetSelection {
  return assetsOfContentText(session, contentText(contents));
}

/** The same of contents as a prepared query takes them. */
export function assetsOfContentText(session: Session, contents: string): AssetSelection {
  const wanted = session.dialect.rowSetOf(CONTENT_COLUMNS, contents);
  return assetTables(session)
    .selectFrom('assets')
    .where((eb) =>
      eb(
        eb.refTuple('assets.organization_id', 'assets.file_hash'),
        'in',
        eb.selectFrom(wanted).select(['r.organization_id', 'r.sha256']).$asTuple('organization_id', 'sha256'),
      ),
    );
}

/** The organisations that have assets: one step through the index for each. */
export async function organizationsWithAssets(session: Session): Promise<string[]> {
  const { rows } = await sql<{ organization: string }>`
    with recursive found (organization) as (
      select min(organization_id) from assets
      union all
      select (select min(organization_id) from assets where organization_id > found.organization)
      from found where found.organization is not null
    )
    select organization from found where organization is not null`.execute(session.db);
  return rows.map((row) => row.organization);
}

/** Changes or removes assets that were decided on under lock, by their ids. */
export function assetChanges(session: Session): Pick<Kysely<AllTables>, 'updateTable' | 'deleteFrom'> {
  return assetTables(session);
}
