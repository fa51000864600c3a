import { sql } from 'kysely';
import type { CursorValues } from '../cursor.ts';
import type { WindowReach } from '../database.ts';
import { all, assetColumn, type Condition, type RangeName } from '../filters.ts';
import { upTo } from '../prepared.ts';
import { toAsset } from '../rows.ts';
import { type AssetList, acrossConditions, type Hit, ordering, toHit } from './asset-list.ts';
import { type AssetOrder, compareKeys, orderColumns, type Window, windowOf } from './asset-order.ts';
import { type AssetSelection, assetsIn, stretchOf } from './asset-query.ts';
import { sortBy } from './asset-sort.ts';

/** A window is longer than what is wanted takes, so that one that holds a little less than expected will do. */
const MARGIN = 1.3;
/** A glance that sees fewer tells only that they are rare; too short a window is made up for by the next. */
const FEWEST_SEEN = 3;
/** So many matches have to be seen before they tell as much as the database's statistics do, which sample rows. */
const STATISTICS_WEIGHT = 30;
/** Parts that are smaller statistics do not tell apart: of none the first window would be all. */
const LEAST_TOLD = 0.001;
/** Statistics that what is seen is further off from than chance explains, in standard deviations, are out of date. */
const BELIEVABLE = 3;
/** Where too much is found in a window, the next is so many times as short; where little, or even nothing, as long. */
const STEP = 8;
/** Milliseconds: no time of creation is more exact, and a shorter window would end where it begins. */
const SHORTEST = 1;
/** So many pages are few enough to be sorted. */
const MOST_PAGES = 4;
/** Without statistics there are taken to be so many assets: there a mistake is dear. */
const MANY = 5_000_000;
const DAY = 86_400_000;

/** What the next entries in the list's order tell. */
interface Glance {
  entries: number;
  matches: number;
  /** When the first of them was created, in milliseconds. */
  start: number;
  /** How much time of creation they take; a pause among them is left out. */
  span: number;
}

/** What the database's statistics tell, without reading anything. */
interface Statistics {
  /** How many assets the list's scope has. */
  assets: number;
  /** How many of them match: a part of 1; undefined: there are no statistics. */
  share: number | undefined;
}

/**
 * The matches of a range in the order of creation, window of time after window. How dense they are a glance at the next
 * entries and the database's statistics tell, and later what was found; a window is about as long as a page takes. Where
 * matches are dense it is walked until the page is full; where they are sparse, what the range's own index holds of it is
 * sorted, and if that is many all the same, a shorter one is tried. Either way the index judges what a list looks at, and
 * only rows that match are fetched.
 */
export async function searchWindows(
  list: AssetList,
  driver: RangeName,
  reach: WindowReach,
  known?: Statistics,
): Promise<Hit[]> {
  const glance = await glanceAhead(list, reach.glance);
  if (glance.entries < reach.glance) return walkWindow(list, { after: list.after, end: undefined }, list.limit);
  const statistics = known ?? (await askStatistics(list));
  const found: Hit[] = [];
  let { after } = list;
  let density = densityOf(glance.matches, glance.span, glance, statistics);
  let length = lengthFor(list.limit, density);
  for (let searched = 0; ; ) {
    const window = { after, end: edgeAt(list.order, glance.start, searched + length) };
    const wanted = list.limit - found.length;
    const share = (density * glance.span) / glance.entries;
    // A walk looks at what lies between the wanted, gathering at all matches there are.
    const isSparse = share ** 2 * statistics.assets < reach.sparse[driver] * wanted;
    const hits = await (isSparse ? gather(list, driver, window) : walkWindow(list, window, wanted));
    if (hits === undefined) {
      // Of so many that were created at once no window is short enough.
      if (length <= SHORTEST) return sortBy(list, driver);
      length = Math.max(SHORTEST, length / STEP);
      continue;
    }
    found.push(...hits);
    if (found.length >= list.limit || window.end === undefined) return found.slice(0, list.limit);
    after = window.end;
    // A pause in the midst of many, or the last of them: what comes after it is looked at anew.
    if (!isSparse && hits.length < (density * length) / 2) {
      const rest = { ...list, after, limit: list.limit - found.length };
      return [...found, ...(await searchWindows(rest, driver, reach, statistics))];
    }
    searched += length;
    if (searched > glance.span) density = densityOf(found.length, searched, glance, statistics);
    length = hits.length === 0 ? length * STEP ** 2 : Math.min(length * STEP, lengthFor(wanted - hits.length, density));
  }
}

/** Matches a millisecond of creation: what was seen of them, weighed with statistics that it does not refute. */
function densityOf(matches: number, time: number, glance: Glance, { share }: Statistics): number {
  const seen = Math.max(matches, FEWEST_SEEN) / time;
  if (share === undefined) return seen;
  const told = (share * glance.entries) / glance.span;
  const isRefuted = Math.abs(matches - told * time) > BELIEVABLE * Math.sqrt(Math.max(1, told * time));
  return isRefuted ? seen : (matches + STATISTICS_WEIGHT) / (time + STATISTICS_WEIGHT / told);
}

/** Milliseconds. */
function lengthFor(wanted: number, density: number): number {
  return Math.max(SHORTEST, (wanted * MARGIN) / density);
}

async function glanceAhead(list: AssetList, reach: number): Promise<Glance> {
  const { session, order, parts } = list;
  const columns = orderColumns(session.dialect, order, false);
  const inOrder = ordering(columns, order);
  const stretch = assetsIn(session, list.scope)
    .where(all([...parts.created.shown, ...windowOf(columns, order, { after: list.after, end: undefined })]))
    .where(all(acrossConditions(list, 'creation', 'assets')))
    .select(sql`row_number() over (order by ${inOrder})`.as('place'))
    .orderBy(inOrder)
    .limit(upTo(reach));
  const row = await stretchOf(session, stretch)
    .select([
      sql<number>`count(*)`.as('entries'),
      sql<number>`count(*) filter (where ${all(lookedAt(list))})`.as('matches'),
      sql<string | null>`min(assets.created_at)`.as('oldest'),
      sql<string | null>`max(assets.created_at)`.as('newest'),
      sql<string | null>`max(assets.created_at) filter (where place = ${Math.ceil(reach / 2)})`.as('middle'),
    ])
    .executeTakeFirstOrThrow();
  const parse = (time: string | null) => Date.parse(time ?? '');
  const [oldest, middle, newest] = [parse(row.oldest), parse(row.middle), parse(row.newest)];
  return {
    entries: Number(row.entries),
    matches: Number(row.matches),
    start: order.descending ? newest : oldest,
    span: Math.max(1, 2 * Math.min(newest - middle, middle - oldest)),
  };
}

async function askStatistics(list: AssetList): Promise<Statistics> {
  const { session, scope } = list;
  const { expectedRows } = session.dialect;
  if (expectedRows === undefined) return { assets: MANY, share: undefined };
  const inScope = assetsIn(session, scope).select('assets.id');
  const assets = await expectedRows(inScope);
  const matches = await expectedRows(inScope.where(all(lookedAt(list))));
  return { assets, share: Math.max(LEAST_TOLD, matches / assets) };
}

/** In the list's order. Of one organisation the planner may sort instead: how much a window costs it knows. */
async function walkWindow(list: AssetList, window: Window, limit: number): Promise<Hit[]> {
  const { session, order } = list;
  const columns = orderColumns(session.dialect, order, false);
  const rows = await matchesOf(list, window)
    .where(all(acrossConditions(list, 'creation', 'assets')))
    .selectAll('assets')
    .orderBy(ordering(columns, order))
    .limit(upTo(limit))
    .execute();
  return rows.map((row) => toHit(order, toAsset(row)));
}

const COLUMNS = { size: 'file_size', name: 'original_filename', expiry: 'expires_sort' } as const;

/** All of a window, by the range's own index, whose order keeps the planner to it; undefined: too many. */
async function gather(list: AssetList, driver: RangeName, window: Window): Promise<Hit[] | undefined> {
  const { order } = list;
  const most = list.limit * MOST_PAGES;
  const rows = await matchesOf(list, window)
    .where(all(acrossConditions(list, 'other', 'assets')))
    .selectAll('assets')
    .orderBy(assetColumn(COLUMNS[driver]))
    .limit(upTo(most + 1))
    .execute();
  if (rows.length > most) return undefined;
  const hits = rows.map((row) => toHit(order, toAsset(row)));
  return hits.sort((a, b) => compareKeys(order, a.key, b.key)).slice(0, list.limit);
}

function matchesOf(list: AssetList, window: Window): AssetSelection {
  const { session, scope, order, parts } = list;
  const columns = orderColumns(session.dialect, order, false);
  return assetsIn(session, scope).where(
    all([...lookedAt(list), ...parts.created.shown, ...windowOf(columns, order, window)]),
  );
}

/** What the indexes of creation hold, in words that they serve. */
function lookedAt({ parts }: AssetList): Condition[] {
  return [...Object.values(parts.ranges).flatMap((range) => range.shown), ...parts.active];
}

/** Of what was created at the very end of a window, any id parts what is in it from what is not. */
const ANY_ID = '00000000-0000-0000-0000-000000000000';

/** Where a window ends; undefined: the list is over before. */
function edgeAt({ descending }: AssetOrder, start: number, length: number): CursorValues | undefined {
  const time = descending ? start - length : start + length;
  if (time < 0 || time > Date.now() + DAY) return undefined;
  return [new Date(time).toISOString(), ANY_ID];
}
