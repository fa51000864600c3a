import type { AssetFilter } from '../catalog.ts';
import type { Session } from '../database.ts';
import { all, filterParts, hasTag } from '../filters.ts';
import { assetsToDecideOn } from './asset-query.ts';

/** Which of these assets, locked by now, still match the filter that they were chosen by. */
export async function stillMatching(
  session: Session,
  ids: readonly string[],
  filter: AssetFilter,
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { equality, ranges, created, tags, glob, active, rest } = filterParts(session.dialect, filter);
  const bounds = Object.values(ranges).flatMap((range) => range.hidden);
  // The ids alone are to lead to the rows.
  const conditions = [
    ...equality.hidden,
    ...bounds,
    ...created.hidden,
    ...tags.map(hasTag),
    ...glob,
    ...active,
    ...rest,
  ];
  const rows = await assetsToDecideOn(session, ids).where(all(conditions)).select('assets.id').execute();
  return new Set(rows.map((row) => row.id));
}
