import type { CatalogStatistics } from '../catalog/catalog.ts';
import type { OperationContext } from './context.ts';
import { organizationScope } from './organization-scope.ts';

/**
 * What an organisation has and what it costs, or all of them. Not audited.
 * @throws AssetError NOT_PERMITTED
 */
export async function readStatistics(context: OperationContext, allOrganizations: boolean): Promise<CatalogStatistics> {
  const scope = organizationScope(context.identity, allOrganizations);
  const catalog = await context.catalog();
  return catalog.statistics.read(scope);
}
