import type { Asset } from '../../core/asset.ts';
import type { FailureRecord } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';

/** Puts a change that an identity may make, but that did not succeed, into the audit trail. */
export async function recordFailedChange(
  context: OperationContext,
  action: string,
  { id, organizationId }: Asset,
  failure: FailureRecord,
): Promise<void> {
  const { identity, audit } = context;
  const catalog = await context.catalog();
  const event = {
    actor: identity.user,
    organizationId,
    action,
    assetId: id,
    outcome: 'failed' as const,
    details: { ...failure },
  };
  await catalog.audit.record([event], audit);
}
