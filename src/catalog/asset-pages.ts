import { type RawBuilder, sql } from 'kysely';
import type { Asset } from '../core/asset.ts';
import type { OrganizationScope } from '../core/identity.ts';
import {
  type AssetOrder,
  afterCondition,
  assetCursor,
  compareAssets,
  orderColumns,
  orderOf,
  readAssetCursor,
  upToCondition,
} from './asset-order.ts';
import { type AssetSelection, assetsIn, organizationsWithAssets, taggedAssetsIn } from './asset-query.ts';
import type { AssetPage, AssetQuery } from './catalog.ts';
import type { CursorValues } from './cursor.ts';
import type { Session } from './database.ts';
import { type Condition, type FilterParts, filterParts, hasTag, type RangeName } from './filters.ts';
import { toAsset } from './rows.ts';

/** One page, by keyset. Several organisations are paged each by its own indexes and merged. */
export async function assetPage(session: Session, scope: OrganizationScope, query: AssetQuery): Promise<AssetPage> {
  const order = orderOf(query);
  const after = query.after === undefined ? undefined : readAssetCursor(order, query.after);
  const organizations = 'organization' in scope ? [scope.organization] : await organizationsWithAssets(session);
  const parts = filterParts(session.dialect, query.filter);
  const found: Asset[] = [];
  for (const organization of organizations) {
    const list: OneList = { session, organization, parts, order, after, limit: query.limit + 1 };
    found.push(...(await listOrganization(list)));
  }
  if (organizations.length > 1) found.sort(compareAssets(order));
  const assets = found.slice(0, query.limit);
  const last = assets.at(-1);
  const nextCursor = found.length > query.limit && last !== undefined ? assetCursor(order, last) : null;
  return { assets, nextCursor };
}

interface OneList {
  session: Session;
  organization: string;
  parts: FilterParts;
  order: AssetOrder;
  after: CursorValues | undefined;
  limit: number;
}

/**
 * Which index is best depends on how many assets match, and no database keeps that at hand. So: where few match a
 * range (or, in another order than that of creation, an equality), they are fetched by its index and sorted;
 * else the list is walked in its order, which soon finds enough of many. A walk that finds too little within
 * its reach goes back to sorting.
 */
async function listOrganization(list: OneList): Promise<Asset[]> {
  const { parts, order } = list;
  const { reach } = list.session.dialect;
  const drivers = sortableDrivers(parts, order);
  for (const driver of drivers) {
    if ((await countUpTo(list, driver, reach.sort)) <= reach.sort) return sortBy(list, driver);
  }
  if (!mayWalkInVain(parts)) return walk(list);
  const end = await endOfReach(list, reach.walk);
  const near = await walk(list, end);
  if (end === undefined || near.length >= list.limit) return near;
  const [driver = 'expiry'] = drivers;
  if (drivers.length > 0 || (await countUpTo(list, driver, reach.walk)) <= reach.walk) return sortBy(list, driver);
  return walk(list);
}

type Driver = RangeName | 'equality';

/** Indexes that hold just what matches, in another order than the list's. */
function sortableDrivers(parts: FilterParts, order: AssetOrder): Driver[] {
  const drivers: Driver[] = parts.asked.filter((name) => name !== sortedRange(order));
  if (order.field !== 'created' && parts.equality.shown.length > 0) drivers.push('equality');
  return drivers;
}

function sortedRange(order: AssetOrder): RangeName | undefined {
  if (order.field === 'expires') return 'expiry';
  return order.field === 'created' ? undefined : order.field;
}

/** Whether rows may have to be passed over. */
function mayWalkInVain(parts: FilterParts): boolean {
  const ranges = Object.values(parts.ranges).some((range) => range.shown.length > 0);
  return ranges || parts.rest.length > 0 || parts.tags.length > 1;
}

function driverConditions(parts: FilterParts, driver: Driver): Condition[] {
  return driver === 'equality' ? parts.equality.shown : parts.ranges[driver].shown;
}

async function countUpTo(list: OneList, driver: Driver, bound: number): Promise<number> {
  const matches = assetsIn(list.session, { organization: list.organization })
    .where(all(driverConditions(list.parts, driver)))
    .select(sql`1`.as('one'))
    .limit(bound + 1);
  const { rows } = await sql<{ count: number }>`select count(*) as count from (${matches}) as matches`.execute(
    list.session.db,
  );
  return Number(rows[0]?.count ?? 0);
}

/** Fetches all that one index finds, sorts, and keeps the page. */
async function sortBy(list: OneList, driver: Driver): Promise<Asset[]> {
  const { parts } = list;
  const columns = orderColumns(list.session.dialect, list.order, true);
  const conditions = [
    ...(driver === 'equality' ? parts.equality.shown : parts.equality.hidden),
    ...rangeConditions(parts, driver),
    ...parts.created.hidden,
    ...parts.rest,
    ...tagConditions(list, 0),
  ];
  if (list.after !== undefined) conditions.push(afterCondition(columns, list.order, list.after));
  return rows(assetsIn(list.session, { organization: list.organization }).where(all(conditions)), list, columns);
}

/** Reads in the list's order until the page is full, or up to `end`. */
async function walk(list: OneList, end?: CursorValues): Promise<Asset[]> {
  const { parts } = list;
  const columns = walkColumns(list);
  const conditions = [
    ...walkEquality(list),
    ...rangeConditions(parts, sortedRange(list.order)),
    ...walkCreated(list),
    ...parts.rest,
    ...tagConditions(list, 1),
    ...walkWindow(list, columns),
  ];
  if (end !== undefined) conditions.push(upToCondition(columns, list.order, end));
  return rows(walkSource(list).where(all(conditions)), list, columns);
}

/** Where a walk of `reach` rows of the index ends; undefined: the index ends before. */
async function endOfReach(list: OneList, reach: number): Promise<CursorValues | undefined> {
  const columns = walkColumns(list);
  const sorted = sortedRange(list.order);
  const conditions = [
    ...(tagDriven(list) ? [] : walkEquality(list)),
    ...(sorted === undefined ? [] : list.parts.ranges[sorted].shown),
    ...(tagDriven(list) ? [] : walkCreated(list)),
    ...walkWindow(list, columns),
  ];
  const query = walkSource(list)
    .where(all(conditions))
    .select(columns.map((column, index) => column.as(`c${index}`)))
    .orderBy(ordering(columns, list.order))
    .limit(1)
    .offset(reach);
  const row: Readonly<Record<string, unknown>> | undefined = await query.executeTakeFirst();
  return row === undefined ? undefined : columns.map((_, index) => row[`c${index}`] as string | number);
}

/** A tag's own index is in the order of creation. */
function tagDriven(list: OneList): boolean {
  return list.order.field === 'created' && list.parts.tags.length > 0;
}

function walkSource(list: OneList): AssetSelection {
  const [tag] = list.parts.tags;
  if (tag !== undefined && tagDriven(list)) return taggedAssetsIn(list.session, list.organization, ...tag);
  return assetsIn(list.session, { organization: list.organization });
}

function walkColumns(list: OneList): RawBuilder<unknown>[] {
  if (tagDriven(list)) return [sql.ref('t.created_at'), sql.ref('t.asset_id')];
  return orderColumns(list.session.dialect, list.order, false);
}

function walkEquality(list: OneList): Condition[] {
  const served = list.order.field === 'created' && !tagDriven(list);
  return served ? list.parts.equality.shown : list.parts.equality.hidden;
}

function walkCreated(list: OneList): Condition[] {
  const served = list.order.field === 'created' && !tagDriven(list);
  return served ? list.parts.created.shown : list.parts.created.hidden;
}

function walkWindow(list: OneList, columns: readonly RawBuilder<unknown>[]): Condition[] {
  return list.after === undefined ? [] : [afterCondition(columns, list.order, list.after)];
}

function rangeConditions(parts: FilterParts, served: Driver | undefined): Condition[] {
  return Object.entries(parts.ranges).flatMap(([name, range]) => (name === served ? range.shown : range.hidden));
}

/** All tags but the first `skip`, which the caller's own query takes care of if the tags drive it. */
function tagConditions(list: OneList, skip: 0 | 1): Condition[] {
  const tags = skip === 1 && tagDriven(list) ? list.parts.tags.slice(1) : list.parts.tags;
  return tags.map(hasTag);
}

function all(conditions: readonly Condition[]): RawBuilder<boolean> {
  return conditions.length === 0 ? sql<boolean>`true` : sql<boolean>`${sql.join(conditions, sql` and `)}`;
}

function ordering(columns: readonly RawBuilder<unknown>[], order: AssetOrder): RawBuilder<unknown> {
  const direction = sql.raw(order.descending ? ' desc' : ' asc');
  return sql.join(columns.map((column) => sql`${column}${direction}`));
}

async function rows(query: AssetSelection, list: OneList, columns: readonly RawBuilder<unknown>[]): Promise<Asset[]> {
  const found = await query.selectAll('assets').orderBy(ordering(columns, list.order)).limit(list.limit).execute();
  return found.map(toAsset);
}
