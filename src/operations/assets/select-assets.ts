import type { AssetFilter, AssetWithObject } from '../../catalog/catalog.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import type { OperationContext } from '../context.ts';
import { resolveAsset } from './resolve-assets.ts';

/** Which assets a command works on: those that are named, or those that match. */
export type Selection =
  | { kind: 'ids'; ids: Iterable<string> | AsyncIterable<string> }
  | { kind: 'filter'; scope: OrganizationScope; filter: AssetFilter };

/** A named asset, or why the name leads nowhere. */
export type Selected = { id: string; found: AssetWithObject } | { id: string; error: unknown };

const PAGE_SIZE = 500;

/** Yields what a selection names, in pages; a name that leads nowhere is one failed item, not the end. */
export async function* selectAssets(context: OperationContext, selection: Selection): AsyncGenerator<Selected[]> {
  if (selection.kind === 'ids') yield* selectByIds(context, selection.ids);
  else yield* selectByFilter(context, selection.scope, selection.filter);
}

async function* selectByIds(
  context: OperationContext,
  ids: Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<Selected[]> {
  const seen = new Set<string>();
  let page: Selected[] = [];
  for await (const id of ids) {
    const selected = await selectOne(context, id);
    if ('found' in selected) {
      if (seen.has(selected.found.asset.id)) continue;
      seen.add(selected.found.asset.id);
    }
    page.push(selected);
    if (page.length < PAGE_SIZE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

async function selectOne(context: OperationContext, id: string): Promise<Selected> {
  try {
    return { id, found: await resolveAsset(context, id) };
  } catch (error) {
    return { id, error };
  }
}

async function* selectByFilter(
  context: OperationContext,
  scope: OrganizationScope,
  filter: AssetFilter,
): AsyncGenerator<Selected[]> {
  const catalog = await context.catalog();
  let after: string | null | undefined;
  while (after !== null && !context.signal.aborted) {
    const query = after === undefined ? { filter, limit: PAGE_SIZE } : { filter, limit: PAGE_SIZE, after };
    const page = await catalog.assets.pageWithObjects(scope, query);
    const selected = page.assets.map((found) => ({ id: found.asset.id, found }));
    if (selected.length > 0) yield selected;
    after = page.nextCursor;
  }
}
