import { type RawBuilder, sql } from 'kysely';
import type { Asset } from '../core/asset.ts';
import {
  type AssetList,
  assetsOfKeys,
  keyName,
  keyQuery,
  ordering,
  orderKeys,
  rangeConditions,
  toKey,
} from './asset-list.ts';
import { type AssetOrder, afterCondition, orderColumns, upToCondition } from './asset-order.ts';
import { type AssetSelection, assetsIn, taggedAssetsIn } from './asset-query.ts';
import type { CursorValues } from './cursor.ts';
import { all, type Condition, hasTag, type RangeName } from './filters.ts';
import { toAsset } from './rows.ts';

/** Reads in the list's order until the page is full, or up to `end`. */
export async function walk(list: AssetList, end?: CursorValues): Promise<Asset[]> {
  const rows = await walkQuery(list, end)
    .selectAll('assets')
    .orderBy(ordering(walkColumns(list), list.order))
    .limit(list.limit)
    .execute();
  return rows.map(toAsset);
}

const LISTS_AT_ONCE = 100;

/** The same over many organisations: the database merges their walks and goes no further than the page. */
export async function walkMany(lists: readonly AssetList[]): Promise<Asset[]> {
  const found: Asset[] = [];
  for (let index = 0; index < lists.length; index += LISTS_AT_ONCE) {
    found.push(...(await walkTogether(lists.slice(index, index + LISTS_AT_ONCE))));
  }
  return found;
}

async function walkTogether(lists: readonly AssetList[]): Promise<Asset[]> {
  const [first] = lists;
  if (first === undefined) return [];
  const { session, order, limit } = first;
  const length = walkColumns(first).length;
  const walks = lists.map(
    (list) => sql`select * from (${keyQuery(walkQuery(list), walkColumns(list), order, limit)}) as one`,
  );
  const names = Array.from({ length }, (_, index) => sql.ref(keyName(index)));
  const { rows } = await sql<Record<string, unknown>>`
    select * from (${sql.join(walks, sql` union all `)}) as merged
    order by ${ordering(names, order)} limit ${limit}`.execute(session.db);
  const keys = rows.map((row) => toKey(row, length));
  return assetsOfKeys(session, { allOrganizations: true }, keys, []);
}

/** Where a walk of `reach` rows of the index ends; undefined: the index ends before. */
export async function endOfReach(list: AssetList, reach: number): Promise<CursorValues | undefined> {
  const columns = walkColumns(list);
  const sorted = sortedRange(list.order);
  const conditions = [
    ...(isTagDriven(list) ? [] : [...walkEquality(list), ...walkCreated(list)]),
    ...(sorted === undefined ? [] : list.parts.ranges[sorted].shown),
    ...walkWindow(list, columns),
  ];
  const keys = await orderKeys(walkSource(list).where(all(conditions)), columns, list.order, 1, reach);
  return keys[0];
}

/** The range whose index is in the list's order. */
export function sortedRange(order: AssetOrder): RangeName | undefined {
  if (order.field === 'expires') return 'expiry';
  return order.field === 'created' ? undefined : order.field;
}

function walkQuery(list: AssetList, end?: CursorValues): AssetSelection {
  const { parts } = list;
  const columns = walkColumns(list);
  const conditions = [
    ...walkEquality(list),
    ...rangeConditions(parts, sortedRange(list.order)),
    ...walkCreated(list),
    ...parts.active,
    ...parts.glob,
    ...parts.rest,
    ...(isTagDriven(list) ? parts.tags.slice(1) : parts.tags).map(hasTag),
    ...walkWindow(list, columns),
  ];
  if (end !== undefined) conditions.push(upToCondition(columns, list.order, end));
  return walkSource(list).where(all(conditions));
}

/** A tag's own index is in the order of creation. */
function isTagDriven(list: AssetList): boolean {
  return list.order.field === 'created' && list.parts.tags.length > 0;
}

function walkSource(list: AssetList): AssetSelection {
  const [tag] = list.parts.tags;
  if (tag !== undefined && isTagDriven(list)) return taggedAssetsIn(list.session, list.organization, ...tag);
  return assetsIn(list.session, { organization: list.organization });
}

function walkColumns(list: AssetList): RawBuilder<unknown>[] {
  if (isTagDriven(list)) return [sql.ref('t.created_at'), sql.ref('t.asset_id')];
  return orderColumns(list.session.dialect, list.order, false);
}

function walkEquality(list: AssetList): Condition[] {
  return isServedByCreation(list) ? list.parts.equality.shown : list.parts.equality.hidden;
}

function walkCreated(list: AssetList): Condition[] {
  return isServedByCreation(list) ? list.parts.created.shown : list.parts.created.hidden;
}

function isServedByCreation(list: AssetList): boolean {
  return list.order.field === 'created' && !isTagDriven(list);
}

function walkWindow(list: AssetList, columns: readonly RawBuilder<unknown>[]): Condition[] {
  return list.after === undefined ? [] : [afterCondition(columns, list.order, list.after)];
}
