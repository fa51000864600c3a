import type { AuditEvent, AuditFilter } from '../../catalog/catalog.ts';
import type { OperationContext } from '../context.ts';
import { organizationScope } from './organization-scope.ts';
import { resolveAsset } from './resolve-assets.ts';

export interface AuditRequest {
  /** Whole or a prefix; a whole one may be of an asset that is gone. */
  assetId?: string;
  filter: Omit<AuditFilter, 'assetId' | 'visibleToUser'>;
  /** Operators only. */
  allOrganizations: boolean;
  /** Without it: all. */
  limit?: number;
  after?: string;
}

export interface AuditPage {
  events: AuditEvent[];
  nextCursor: string | null;
}

const LARGEST_PAGE = 500;
const WHOLE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Yields audit events, newest first, page by page: a member sees its own assets and deeds, an admin
 * the organisation.
 * @throws AssetError NOT_PERMITTED, ASSET_NOT_FOUND, AMBIGUOUS_ID, USAGE for a cursor that is not ours
 */
export async function* auditTrail(context: OperationContext, request: AuditRequest): AsyncGenerator<AuditPage> {
  const scope = organizationScope(context.identity, request.allOrganizations);
  const filter = await visibleFilter(context, request);
  const catalog = await context.catalog();
  let remaining = request.limit ?? Number.POSITIVE_INFINITY;
  let { after } = request;
  while (remaining > 0 && !context.signal.aborted) {
    const page = await catalog.audit.page(scope, filter, Math.min(remaining, LARGEST_PAGE), after);
    yield page;
    if (page.nextCursor === null) return;
    remaining -= page.events.length;
    after = page.nextCursor;
  }
}

async function visibleFilter(context: OperationContext, request: AuditRequest): Promise<AuditFilter> {
  const { role, user } = context.identity;
  const asset = request.assetId === undefined ? {} : { assetId: await wholeId(context, request.assetId) };
  // A member without a user has no assets and no deeds: no user is named so.
  const visible = role === 'member' ? { visibleToUser: user ?? '' } : {};
  return { ...request.filter, ...asset, ...visible };
}

async function wholeId(context: OperationContext, idOrPrefix: string): Promise<string> {
  const id = idOrPrefix.toLowerCase();
  if (WHOLE_ID.test(id)) return id;
  const { asset } = await resolveAsset(context, idOrPrefix);
  return asset.id;
}
