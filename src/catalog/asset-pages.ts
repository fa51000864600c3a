import type { Asset } from '../core/asset.ts';
import type { OrganizationScope } from '../core/identity.ts';
import type { AssetList, Driver } from './asset-list.ts';
import { type AssetOrder, assetCursor, compareAssets, orderOf, readAssetCursor } from './asset-order.ts';
import { organizationsWithAssets } from './asset-query.ts';
import { countUpTo, sortBy } from './asset-sort.ts';
import { endOfReach, sortedRange, walk, walkMany } from './asset-walk.ts';
import type { AssetPage, AssetQuery } from './catalog.ts';
import type { Session } from './database.ts';
import { type FilterParts, filterParts } from './filters.ts';

/** One page, by keyset. Several organisations are paged each by its own indexes and merged. */
export async function assetPage(session: Session, scope: OrganizationScope, query: AssetQuery): Promise<AssetPage> {
  const order = orderOf(query);
  const after = query.after === undefined ? undefined : readAssetCursor(order, query.after);
  const organizations = 'organization' in scope ? [scope.organization] : await organizationsWithAssets(session);
  const parts = filterParts(session.dialect, query.filter);
  const lists = organizations.map(
    (organization): AssetList => ({ session, organization, parts, order, after, limit: query.limit + 1 }),
  );
  const found = await listAll(lists, parts, order);
  const assets = found.slice(0, query.limit);
  const last = assets.at(-1);
  const nextCursor = found.length > query.limit && last !== undefined ? assetCursor(order, last) : null;
  return { assets, nextCursor };
}

async function listAll(lists: readonly AssetList[], parts: FilterParts, order: AssetOrder): Promise<Asset[]> {
  const [only] = lists;
  if (only !== undefined && lists.length === 1) return listOrganization(only);
  const found: Asset[] = [];
  if (sortableDrivers(parts, order).length === 0) found.push(...(await walkMany(lists)));
  else for (const list of lists) found.push(...(await listOrganization(list)));
  return found.sort(compareAssets(order));
}

/**
 * Which index is best depends on how many assets match, and no database keeps that at hand. So: where few match a
 * range (or, in another order than that of creation, an equality), they are sorted by that index's own keys;
 * else the list is walked in its order, which soon finds enough of many. A walk that finds too little within
 * its reach goes back to sorting.
 */
async function listOrganization(list: AssetList): Promise<Asset[]> {
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
  if (drivers.length > 0 || (await isFewUnexpired(list))) return sortBy(list, driver);
  return walk(list);
}

/** Whether most assets have expired: then those that have not are found by their expiry. */
async function isFewUnexpired(list: AssetList): Promise<boolean> {
  const { walk: bound } = list.session.dialect.reach;
  if (list.parts.ranges.expiry.shown.length === 0) return false;
  return (await countUpTo(list, 'expiry', bound)) <= bound;
}

/** Indexes that hold just what matches, in another order than the list's. */
function sortableDrivers(parts: FilterParts, order: AssetOrder): Driver[] {
  const drivers: Driver[] = parts.asked.filter((name) => name !== sortedRange(order));
  if (order.field !== 'created' && parts.equality.shown.length > 0) drivers.push('equality');
  return drivers;
}

/** Whether rows may have to be passed over. */
function mayWalkInVain(parts: FilterParts): boolean {
  const { ranges, active, glob, rest, tags } = parts;
  const conditions = [...Object.values(ranges).flatMap((range) => range.shown), ...active, ...glob, ...rest];
  return conditions.length > 0 || tags.length > 1;
}
