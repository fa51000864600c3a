import { decideOnMaintenance } from '../../core/access-policy.ts';
import { AssetError } from '../../core/errors.ts';
import type { Identity, OrganizationScope } from '../../core/identity.ts';

/**
 * Which organisations a query touches: the identity's own, or all of them for an operator who asks for that.
 * @throws AssetError NOT_PERMITTED
 */
export function organizationScope(identity: Identity, allOrganizations: boolean): OrganizationScope {
  if (!allOrganizations) return { organization: identity.organization };
  if (decideOnMaintenance(identity, 'all-organizations') === 'allow') return { allOrganizations: true };
  throw new AssetError('NOT_PERMITTED', `The role ${identity.role} may not look at every organisation`, {
    hint: 'Leave out --all-orgs, or act as an operator: --role operator.',
  });
}
