import { sql } from 'kysely';
import type { CursorValues } from '../cursor.ts';
import { all, type Condition, hasTag } from '../filters.ts';
import { upTo } from '../prepared.ts';
import {
  type AssetList,
  acrossConditions,
  assetsOfKeys,
  type Driver,
  type Hit,
  orderKeys,
  toHit,
} from './asset-list.ts';
import { afterCondition, orderColumns } from './asset-order.ts';
import { assetsIn } from './asset-query.ts';

/** How many assets one index finds, as far as it matters. */
export async function countUpTo(list: AssetList, driver: Driver, bound: number): Promise<number> {
  const matches = assetsIn(list.session, list.scope)
    .where(all(driverConditions(list, driver)))
    .select(sql`1`.as('one'))
    .limit(upTo(bound + 1));
  const { rows } = await sql<{ count: number }>`select count(*) as count from (${matches}) as matches`.execute(
    list.session.db,
  );
  return Number(rows[0]?.count ?? 0);
}

/**
 * Sorts what one index finds and keeps the page. What the index holds is looked at there; for the other
 * conditions the first rows in order are fetched, and more and more of them until the page is full.
 */
export async function sortBy(list: AssetList, driver: Driver): Promise<Hit[]> {
  const others = conditionsBeside(list, driver);
  if (others.length === 0) {
    const keys = await sortedKeys(list, driver, list.after, list.limit);
    return keys.map((key) => ({ key }));
  }
  const found: Hit[] = [];
  let after = list.after;
  for (let batch = list.limit * 2; ; batch *= 8) {
    const keys = await sortedKeys(list, driver, after, batch);
    const assets = await assetsOfKeys(list.session, list.scope, keys, others);
    found.push(...assets.map((asset) => toHit(list.order, asset)));
    if (found.length >= list.limit || keys.length < batch) return found.slice(0, list.limit);
    after = keys.at(-1);
  }
}

function sortedKeys(
  list: AssetList,
  driver: Driver,
  after: CursorValues | undefined,
  limit: number,
): Promise<CursorValues[]> {
  const { session, parts, order } = list;
  const columns = orderColumns(session.dialect, order, true);
  const conditions = [
    ...driverConditions(list, driver),
    ...parts.created.hidden,
    ...parts.active,
    ...(driver === 'expiry' ? [] : parts.ranges.expiry.hidden),
    ...(driver === 'name' ? parts.glob : []),
    ...(after === undefined ? [] : [afterCondition(columns, order, after)]),
  ];
  const query = assetsIn(session, list.scope).where(all(conditions));
  return orderKeys(query, columns, order, limit);
}

function driverConditions(list: AssetList, driver: Driver): Condition[] {
  const { equality, ranges } = list.parts;
  const driving = driver === 'equality' ? equality : ranges[driver];
  return [...driving.shown, ...acrossConditions(list, 'other', 'assets')];
}

/** What the keys have not been asked for. */
function conditionsBeside({ parts }: AssetList, driver: Driver): Condition[] {
  const asked: readonly string[] = [driver, 'expiry'];
  const ranges = Object.entries(parts.ranges).filter(([name]) => !asked.includes(name));
  return [
    ...(driver === 'equality' ? [] : parts.equality.hidden),
    ...ranges.flatMap(([, range]) => range.hidden),
    ...(driver === 'name' ? [] : parts.glob),
    ...parts.tags.map(hasTag),
    ...parts.rest,
  ];
}
