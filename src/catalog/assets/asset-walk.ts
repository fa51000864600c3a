import { type RawBuilder, sql } from 'kysely';
import type { CursorValues } from '../cursor.ts';
import { all, type Condition, type FilterParts, hasTag, type RangeName } from '../filters.ts';
import { upTo } from '../prepared.ts';
import { toAsset } from '../rows.ts';
import {
  type AssetList,
  acrossConditions,
  type Hit,
  ordering,
  orderKeys,
  rangeConditions,
  toHit,
} from './asset-list.ts';
import { type AssetOrder, afterCondition, orderColumns, upToCondition } from './asset-order.ts';
import { type AssetSelection, assetsIn, stretchOf, taggedAssetsIn, tagRowsIn } from './asset-query.ts';

/** Reads in the list's order until the page is full, or up to `end`. */
export async function walk(list: AssetList, end?: CursorValues): Promise<Hit[]> {
  const rows = await walkRows(list, end).execute();
  return rows.map((row) => toHit(list.order, toAsset(row)));
}

const LISTS_AT_ONCE = 100;

/** The same over many organisations: the database merges their walks and goes no further than the page. */
export async function walkMany(lists: readonly AssetList[]): Promise<Hit[]> {
  const found: Hit[] = [];
  for (let index = 0; index < lists.length; index += LISTS_AT_ONCE) {
    found.push(...(await walkTogether(lists.slice(index, index + LISTS_AT_ONCE))));
  }
  return found;
}

async function walkTogether(lists: readonly AssetList[]): Promise<Hit[]> {
  const [first] = lists;
  if (first === undefined) return [];
  const { session, order, limit } = first;
  const walks = lists.map((list) => sql`select * from (${walkRows(list)}) as one`);
  const columns = orderColumns(session.dialect, order, false);
  const { rows } = await sql<Parameters<typeof toAsset>[0]>`
    select * from (${sql.join(walks, sql` union all `)}) as assets
    order by ${ordering(columns, order)} limit ${upTo(limit)}`.execute(session.db);
  return rows.map((row) => toHit(order, toAsset(row)));
}

/** Whether the index of creation holds all that has to be looked at. */
export function isCovered(parts: FilterParts, order: AssetOrder): boolean {
  const { equality, tags, rest } = parts;
  return order.field === 'created' && equality.shown.length === 0 && tags.length === 0 && rest.length === 0;
}

/** Looks at the index of creation alone, at most as far as it reaches. */
export async function scan(list: AssetList, reach: number): Promise<Hit[]> {
  const { session, order, parts } = list;
  const columns = walkColumns(list);
  const stretch = walkSource(list)
    .where(all([...parts.created.shown, ...walkWindow(list, columns)]))
    .orderBy(ordering(columns, order))
    .limit(upTo(reach));
  const conditions = [...rangeConditions(parts, undefined), ...parts.active, ...parts.glob];
  const keys = await orderKeys(stretchOf(session, stretch).where(all(conditions)), columns, order, list.limit);
  return keys.map((key) => ({ key }));
}

/** Where a walk of `reach` entries of the index ends; undefined: the index ends before. */
export async function endOfReach(list: AssetList, reach: number): Promise<CursorValues | undefined> {
  const columns = walkColumns(list);
  const window = walkWindow(list, columns);
  const [tag] = list.parts.tags;
  if (tag !== undefined && isTagDriven(list)) {
    const rows = tagRowsIn(list.session, list.scope, ...tag).where(all([...walkAcross(list), ...window]));
    return (await orderKeys(rows, columns, list.order, 1, reach))[0];
  }
  const sorted = sortedRange(list.order);
  // What the index does not serve must not count: its entries would be passed over without end.
  const served = isServedByCreation(list) ? [...walkEquality(list), ...walkCreated(list, undefined)] : [];
  const conditions = [...served, ...(sorted === undefined ? [] : list.parts.ranges[sorted].shown), ...window];
  return (await orderKeys(walkSource(list).where(all(conditions)), columns, list.order, 1, reach))[0];
}

/** The range whose index is in the list's order. */
export function sortedRange(order: AssetOrder): RangeName | undefined {
  if (order.field === 'expires') return 'expiry';
  return order.field === 'created' ? undefined : order.field;
}

function walkRows(list: AssetList, end?: CursorValues) {
  const { parts } = list;
  const columns = walkColumns(list);
  const conditions = [
    ...walkEquality(list),
    ...rangeConditions(parts, sortedRange(list.order)),
    ...walkCreated(list, end),
    ...parts.active,
    ...parts.glob,
    ...parts.rest,
    ...(isTagDriven(list) ? parts.tags.slice(1) : parts.tags).map(hasTag),
    ...walkWindow(list, columns),
  ];
  if (end !== undefined) conditions.push(upToCondition(columns, list.order, end));
  return walkSource(list)
    .where(all(conditions))
    .selectAll('assets')
    .orderBy(ordering(columns, list.order))
    .limit(upTo(list.limit));
}

/** A tag's own index is in the order of creation. */
function isTagDriven(list: AssetList): boolean {
  return list.order.field === 'created' && list.parts.tags.length > 0;
}

function walkSource(list: AssetList): AssetSelection {
  const [tag] = list.parts.tags;
  if (tag !== undefined && isTagDriven(list)) {
    return taggedAssetsIn(list.session, list.scope, ...tag).where(all(walkAcross(list)));
  }
  return assetsIn(list.session, list.scope).where(all(walkAcross(list)));
}

function walkAcross(list: AssetList): Condition[] {
  if (isTagDriven(list)) return acrossConditions(list, 'other', 't');
  const isAlone = list.order.field === 'created' && list.parts.equality.shown.length === 0;
  return acrossConditions(list, isAlone ? 'creation' : 'other', 'assets');
}

function walkColumns(list: AssetList): RawBuilder<unknown>[] {
  if (isTagDriven(list)) return [sql.ref('t.created_at'), sql.ref('t.asset_id')];
  return orderColumns(list.session.dialect, list.order, false);
}

function walkEquality(list: AssetList): Condition[] {
  return isServedByCreation(list) ? list.parts.equality.shown : list.parts.equality.hidden;
}

/** A stretch ends within the span: said twice, its end would count for two, and PostgreSQL would sort the few it expects. */
function walkCreated(list: AssetList, end: CursorValues | undefined): Condition[] {
  const { created } = list.parts;
  if (!isServedByCreation(list)) return created.hidden;
  if (end === undefined) return created.shown;
  return list.order.descending ? created.to.shown : created.from.shown;
}

function isServedByCreation(list: AssetList): boolean {
  return list.order.field === 'created' && !isTagDriven(list);
}

function walkWindow(list: AssetList, columns: readonly RawBuilder<unknown>[]): Condition[] {
  return list.after === undefined ? [] : [afterCondition(columns, list.order, list.after)];
}
