import { toFailure } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';

/** Puts names that led nowhere into the audit trail of whoever gave them. */
export async function recordUnknownNames(
  context: OperationContext,
  action: string,
  missing: readonly { id: string; error: unknown }[],
): Promise<void> {
  if (missing.length === 0) return;
  const { identity, audit } = context;
  const events = missing.map(({ id, error }) => ({
    actor: identity.user,
    organizationId: identity.organization,
    action,
    assetId: null,
    outcome: 'refused' as const,
    details: { requested: id, ...toFailure(error) },
  }));
  const catalog = await context.catalog();
  await catalog.audit.record(events, audit);
}
