import type { AuditEvent } from '../../catalog/catalog.ts';
import type { Asset } from '../../core/asset.ts';
import type { OperationContext } from '../context.ts';
import { withAddress } from '../download/public-access.ts';
import { auditTrail } from './audit-trail.ts';
import { resolveAsset } from './resolve-assets.ts';

export interface ShownAsset {
  asset: Asset;
  /** What happened to it, newest first, as far as the identity may see; only if it was asked for. */
  history?: AuditEvent[];
}

export type ShowOutcome = ({ kind: 'shown' } & ShownAsset) | { kind: 'failed'; id: string; error: unknown };

/** Looks up assets by id or prefix, in the order of the ids. One that leads nowhere never stops the others. */
export async function* showAssets(
  context: OperationContext,
  request: { ids: readonly string[]; history: boolean },
): AsyncGenerator<ShowOutcome> {
  for (const id of request.ids) {
    if (context.signal.aborted) return;
    yield await showOne(context, id, request.history);
  }
}

async function showOne(context: OperationContext, id: string, withHistory: boolean): Promise<ShowOutcome> {
  try {
    const asset = withAddress(context, (await resolveAsset(context, id)).asset);
    if (!withHistory) return { kind: 'shown', asset };
    return { kind: 'shown', asset, history: await historyOf(context, asset) };
  } catch (error) {
    return { kind: 'failed', id, error };
  }
}

async function historyOf(context: OperationContext, asset: Asset): Promise<AuditEvent[]> {
  const elsewhere = asset.organizationId !== context.identity.organization;
  const allOrganizations = elsewhere && context.identity.role === 'operator';
  const events: AuditEvent[] = [];
  for await (const page of auditTrail(context, { assetId: asset.id, filter: {}, allOrganizations })) {
    events.push(...page.events);
  }
  return events;
}
