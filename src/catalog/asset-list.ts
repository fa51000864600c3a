import { type RawBuilder, sql } from 'kysely';
import type { Asset } from '../core/asset.ts';
import type { OrganizationScope } from '../core/identity.ts';
import type { AssetOrder } from './asset-order.ts';
import { type AssetSelection, assetsByIds } from './asset-query.ts';
import type { CursorValues } from './cursor.ts';
import type { Session } from './database.ts';
import { all, type Condition, type FilterParts, type RangeName } from './filters.ts';
import { toAsset } from './rows.ts';

/** The page that is wanted of one organisation's assets. */
export interface AssetList {
  session: Session;
  organization: string;
  parts: FilterParts;
  order: AssetOrder;
  /** Where the page before ended. */
  after: CursorValues | undefined;
  limit: number;
}

/** An index that holds just what matches, in another order than the list's. */
export type Driver = RangeName | 'equality';

export function rangeConditions(parts: FilterParts, served: Driver | undefined): Condition[] {
  return Object.entries(parts.ranges).flatMap(([name, range]) => (name === served ? range.shown : range.hidden));
}

export function ordering(columns: readonly RawBuilder<unknown>[], order: AssetOrder): RawBuilder<unknown> {
  const direction = sql.raw(order.descending ? ' desc' : ' asc');
  return sql.join(columns.map((column) => sql`${column}${direction}`));
}

/** The compared values of each asset, in the list's order; the id is the last of them. */
export async function orderKeys(
  query: AssetSelection,
  columns: readonly RawBuilder<unknown>[],
  order: AssetOrder,
  limit: number,
  offset = 0,
): Promise<CursorValues[]> {
  const rows = await keyQuery(query, columns, order, limit, offset).execute();
  return rows.map((row) => toKey(row, columns.length));
}

export function keyQuery(
  query: AssetSelection,
  columns: readonly RawBuilder<unknown>[],
  order: AssetOrder,
  limit: number,
  offset = 0,
) {
  return query
    .select(columns.map((column, index) => column.as(keyName(index))))
    .orderBy(ordering(columns, order))
    .limit(limit)
    .$if(offset > 0, (limited) => limited.offset(offset));
}

export function keyName(index: number): string {
  return `k${index}`;
}

export function toKey(row: Readonly<Record<string, unknown>>, length: number): CursorValues {
  return Array.from({ length }, (_, index) => row[keyName(index)] as string | number);
}

/** Fetches rows by their keys; those that a condition excludes are missing. In the order of the keys. */
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
