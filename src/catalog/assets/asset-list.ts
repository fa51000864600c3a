import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { Asset } from '../../core/asset.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import type { CursorValues } from '../cursor.ts';
import type { AcrossIndex, Session } from '../database.ts';
import { all, type Condition, type FilterParts, type RangeName } from '../filters.ts';
import { upTo } from '../prepared.ts';
import { toAsset } from '../rows.ts';
import type { AllTables } from '../tables.ts';
import { type AssetOrder, orderValues } from './asset-order.ts';
import { assetsByIds } from './asset-query.ts';

/** The page that is wanted of one organisation's assets, or of all where indexes over all of them serve it. */
export interface AssetList {
  session: Session;
  scope: OrganizationScope;
  parts: FilterParts;
  order: AssetOrder;
  /** Where the page before ended. */
  after: CursorValues | undefined;
  limit: number;
}

/** What was found: the values that the order compares, the id the last of them, and the asset if it was fetched. */
export interface Hit {
  key: CursorValues;
  asset?: Asset;
}

/** An index that holds just what matches, in another order than the list's. */
export type Driver = RangeName | 'equality';

/** What lets an index over all organisations serve a list of all, and no list of one. */
export function acrossConditions({ session, scope }: AssetList, index: AcrossIndex, table: string): Condition[] {
  if ('organization' in scope || session.dialect.across === undefined) return [];
  return [session.dialect.across(index, table)];
}

export function rangeConditions(parts: FilterParts, served: Driver | undefined): Condition[] {
  return Object.entries(parts.ranges).flatMap(([name, range]) => (name === served ? range.shown : range.hidden));
}

export function ordering(columns: readonly RawBuilder<unknown>[], order: AssetOrder): RawBuilder<unknown> {
  const direction = sql.raw(order.descending ? ' desc' : ' asc');
  return sql.join(columns.map((column) => sql`${column}${direction}`));
}

/** The keys of what a query selects, in the list's order. */
export async function orderKeys<TB extends keyof DB, DB = AllTables>(
  query: SelectQueryBuilder<DB, TB, object>,
  columns: readonly RawBuilder<unknown>[],
  order: AssetOrder,
  limit: number,
  offset = 0,
): Promise<CursorValues[]> {
  const rows: Readonly<Record<string, unknown>>[] = await query
    .select(columns.map((column, index) => column.as(`k${index}`)))
    .orderBy(ordering(columns, order))
    .limit(upTo(limit))
    .$if(offset > 0, (limited) => limited.offset(upTo(offset)))
    .execute();
  return rows.map((row) => columns.map((_, index) => row[`k${index}`] as string | number));
}

export function toHit(order: AssetOrder, asset: Asset): Hit {
  return { key: orderValues(order, asset), asset };
}

/** Fetches assets by their keys; those that a condition excludes are missing. In the order of the keys. */
export async function assetsOfKeys(
  session: Session,
  scope: OrganizationScope,
  keys: readonly CursorValues[],
  conditions: readonly Condition[],
): Promise<Asset[]> {
  const ids = keys.map((key) => String(key.at(-1)));
  if (ids.length === 0) return [];
  const rows = await assetsByIds(session, scope, ids).where(all(conditions)).selectAll('assets').execute();
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = found.get(id);
    return row === undefined ? [] : [toAsset(row)];
  });
}
