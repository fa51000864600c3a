import type { Asset } from '../../core/asset.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import type { AssetPage, AssetQuery } from '../catalog.ts';
import type { Session } from '../database.ts';
import { type FilterParts, filterParts } from '../filters.ts';
import { type AssetList, assetsOfKeys, type Driver, type Hit } from './asset-list.ts';
import { type AssetOrder, assetCursor, compareKeys, orderOf, readAssetCursor } from './asset-order.ts';
import { organizationsWithAssets } from './asset-query.ts';
import { countUpTo, sortBy } from './asset-sort.ts';
import { endOfReach, isCovered, scan, sortedRange, walk, walkMany } from './asset-walk.ts';
import { searchWindows } from './asset-window.ts';

/** One page, by keyset. */
export async function assetPage(session: Session, scope: OrganizationScope, query: AssetQuery): Promise<AssetPage> {
  const order = orderOf(query);
  const after = query.after === undefined ? undefined : readAssetCursor(order, query.after);
  const parts = filterParts(session.dialect, query.filter);
  const scopes = await scopesToList(session, scope);
  const lists = scopes.map(
    (each): AssetList => ({ session, scope: each, parts, order, after, limit: query.limit + 1 }),
  );
  const found = await listAll(lists, parts, order);
  const hits = found.slice(0, query.limit);
  const last = hits.at(-1);
  const nextCursor = found.length > query.limit && last !== undefined ? assetCursor(order, last.key) : null;
  return { assets: await fetched(session, scope, hits), nextCursor };
}

/** Where no index is over all organisations, each is paged by its own indexes, and the pages are merged. */
async function scopesToList(session: Session, scope: OrganizationScope): Promise<OrganizationScope[]> {
  if ('organization' in scope || session.dialect.across !== undefined) return [scope];
  return (await organizationsWithAssets(session)).map((organization) => ({ organization }));
}

async function listAll(lists: readonly AssetList[], parts: FilterParts, order: AssetOrder): Promise<Hit[]> {
  const [only] = lists;
  if (only !== undefined && lists.length === 1) return listOne(only);
  const found: Hit[] = [];
  if (sortableDrivers(parts, order).length === 0) found.push(...(await walkMany(lists)));
  else for (const list of lists) found.push(...(await listOne(list)));
  return found.sort((a, b) => compareKeys(order, a.key, b.key));
}

/** The assets of a page; one that was deleted since its key was seen is left out. */
async function fetched(session: Session, scope: OrganizationScope, hits: readonly Hit[]): Promise<Asset[]> {
  const keys = hits.flatMap(({ key, asset }) => (asset === undefined ? [key] : []));
  const assets = await assetsOfKeys(session, scope, keys, []);
  const byId = new Map(assets.map((asset) => [asset.id, asset]));
  return hits.flatMap(({ key, asset }) => asset ?? byId.get(String(key.at(-1))) ?? []);
}

/**
 * Which index is best depends on how many assets match, and no database keeps that at hand. So: where few match a
 * range (or, in another order than that of creation, an equality), they are sorted by that index's own keys;
 * else the list is walked in its order, which soon finds enough of many. A walk that finds too little within
 * its reach goes back to sorting.
 */
async function listOne(list: AssetList): Promise<Hit[]> {
  const { parts, order } = list;
  const { reach } = list.session.dialect;
  const drivers = sortableDrivers(parts, order);
  const [range] = parts.asked;
  if (reach.window !== undefined && range !== undefined && isCovered(parts, order) && parts.glob.length === 0) {
    return searchWindows(list, range, reach.window);
  }
  for (const driver of drivers) {
    if ((await countUpTo(list, driver, reach.sort)) <= reach.sort) return sortBy(list, driver);
  }
  const [driver] = drivers;
  if (driver !== undefined && isCovered(parts, order)) return scanOrSort(list, driver);
  if (!mayWalkInVain(parts)) return walk(list);
  const end = await endOfReach(list, sortedRange(order) === undefined ? reach.walk : reach.aside);
  const near = await walk(list, end);
  if (end === undefined || near.length >= list.limit) return near;
  if (driver !== undefined) return sortBy(list, driver);
  return (await isFewUnexpired(list)) ? sortBy(list, 'expiry') : walk(list);
}

/** Part of the reach that tells whether all of it would do. */
const GLANCE = 1 / 5;

/** Sorting is right in any case; a look along the index is cheaper where many match. */
async function scanOrSort(list: AssetList, driver: Driver): Promise<Hit[]> {
  const { scan: reach } = list.session.dialect.reach;
  for (const part of [GLANCE, 1]) {
    const near = await scan(list, Math.ceil(reach * part));
    if (near.length >= list.limit) return near;
    if (near.length < list.limit * part) break;
  }
  return sortBy(list, driver);
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
