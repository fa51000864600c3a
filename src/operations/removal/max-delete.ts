import { AssetError } from '../../core/errors.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import type { OperationContext } from '../context.ts';

/** The most that a run may remove: a number of assets, or a share of those in scope. */
export type MaxDelete = { kind: 'count'; count: number } | { kind: 'percent'; percent: number };

/**
 * Stops before the first removal if more would go.
 * @throws AssetError MAX_DELETE_EXCEEDED
 */
export async function checkMaxDelete(
  context: OperationContext,
  most: MaxDelete,
  wanted: number,
  scope: OrganizationScope,
): Promise<void> {
  const allowed = most.kind === 'count' ? most.count : shareOf(most.percent, await inScope(context, scope));
  if (wanted <= allowed) return;
  const limit = most.kind === 'count' ? `${most.count}` : `${most.percent}%, which is ${allowed}`;
  const many = wanted === 1 ? '1 asset' : `${wanted} assets`;
  throw new AssetError('MAX_DELETE_EXCEEDED', `${many} would be removed; --max-delete allows ${limit}`, {
    hint: 'Nothing was removed. See which they are with --dry-run alone; if that is right, allow more.',
    details: { wanted, allowed },
  });
}

const DECIMALS = 1e6;

/** In whole numbers: 29 hundredths of 100 would be less than 29. */
export function shareOf(percent: number, count: number): number {
  return Number((BigInt(Math.round(percent * DECIMALS)) * BigInt(count)) / BigInt(100 * DECIMALS));
}

async function inScope(context: OperationContext, scope: OrganizationScope): Promise<number> {
  const catalog = await context.catalog();
  return (await catalog.assets.count(scope, { status: 'any', expired: 'include' })).count;
}
