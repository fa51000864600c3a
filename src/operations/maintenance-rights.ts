import { decideOnMaintenance } from '../core/access-policy.ts';
import { AssetError } from '../core/errors.ts';
import type { OperationContext } from './context.ts';

/**
 * Comes before any question and any work: whoever may not is not asked whether they want to.
 * @throws AssetError NOT_PERMITTED
 */
export function requireMaintenance(
  { identity }: Pick<OperationContext, 'identity'>,
  action: 'migrate' | 'verify' | 'scan' | 'purge',
): void {
  if (decideOnMaintenance(identity, action) === 'allow') return;
  throw new AssetError('NOT_PERMITTED', `The role ${identity.role} may not ${action}`, {
    hint: 'Act as an admin of the organisation or as an operator: --role operator.',
  });
}
