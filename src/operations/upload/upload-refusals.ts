import { toFailure } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';
import type { UploadOutcome, UploadRequest } from './upload-request.ts';

/** Puts the files that were refused into the audit trail; that it cannot be written is no reason to fail. */
export async function recordRefusals(
  context: OperationContext,
  request: Pick<UploadRequest, 'assetType'>,
  outcomes: readonly UploadOutcome[],
): Promise<void> {
  const events = outcomes.flatMap((outcome) => {
    if (outcome.kind !== 'failed') return [];
    return {
      actor: context.identity.user,
      organizationId: context.identity.organization,
      action: 'uploaded',
      assetId: null,
      outcome: 'refused' as const,
      details: { source: outcome.source, assetType: request.assetType, ...outcome.failure },
    };
  });
  if (events.length === 0) return;
  try {
    const catalog = await context.catalog();
    await catalog.audit.record(events, context.audit);
  } catch (error) {
    context.warn(`${events.length} refusals are missing from the audit trail: ${toFailure(error).message}`);
  }
}
