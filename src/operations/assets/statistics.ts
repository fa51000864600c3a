import type { CatalogStatistics } from '../../catalog/catalog.ts';
import type { OperationContext } from '../context.ts';
import { organizationScope } from './organization-scope.ts';

/**
 * What an organisation has and what it costs, or all of them; in one backend, or in every one. Not audited.
 * @throws AssetError NOT_PERMITTED, CONFIG_INVALID for a backend that is none
 */
export async function readStatistics(
  context: OperationContext,
  allOrganizations: boolean,
  backend?: string,
): Promise<CatalogStatistics> {
  const scope = organizationScope(context.identity, allOrganizations);
  const catalog = await context.catalog();
  // One that was taken out of the configuration is still known to the catalog.
  if (backend !== undefined && (await catalog.backends.find(backend)) === undefined)
    await context.backends.open(backend);
  return catalog.statistics.read(scope, backend);
}
