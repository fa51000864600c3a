import type { AssetFilter, AssetPage, AssetQuery } from '../../catalog/catalog.ts';
import type { OperationContext } from '../context.ts';
import { withAddress } from '../download/public-access.ts';
import { organizationScope } from './organization-scope.ts';

export interface ListRequest {
  filter: AssetFilter;
  /** Operators only. */
  allOrganizations: boolean;
  sort: NonNullable<AssetQuery['sort']>;
  /** Without it: all. */
  limit?: number;
  after?: string;
}

const LARGEST_PAGE = 500;

/**
 * Yields the assets that match, page by page, so that memory stays flat.
 * @throws AssetError NOT_PERMITTED, USAGE for a cursor that is not ours
 */
export async function* listAssets(context: OperationContext, request: ListRequest): AsyncGenerator<AssetPage> {
  const scope = organizationScope(context.identity, request.allOrganizations);
  const catalog = await context.catalog();
  let remaining = request.limit ?? Number.POSITIVE_INFINITY;
  let after = request.after;
  while (remaining > 0 && !context.signal.aborted) {
    const limit = Math.min(remaining, LARGEST_PAGE);
    const query: AssetQuery = { filter: request.filter, sort: request.sort, limit };
    const page = await catalog.assets.page(scope, after === undefined ? query : { ...query, after });
    yield { ...page, assets: page.assets.map((asset) => withAddress(context, asset)) };
    if (page.nextCursor === null) return;
    remaining -= page.assets.length;
    after = page.nextCursor;
  }
}
