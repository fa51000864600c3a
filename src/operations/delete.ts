import type { AssetWithObject, ClaimedObject, DeleteResult } from '../catalog/catalog.ts';
import { decideOnAsset } from '../core/access-policy.ts';
import { AssetError, type FailureRecord, toFailure } from '../core/errors.ts';
import type { OperationContext } from './context.ts';
import { notPermitted } from './handing-out.ts';
import { removeBytes, whileHolding } from './leases.ts';
import { openOwnStore } from './own-store.ts';
import { notFound } from './resolve-assets.ts';
import { type Selected, type Selection, selectAssets } from './select-assets.ts';

export type DeleteOutcome =
  | {
      kind: 'deleted';
      id: string;
      /** Bytes that went with it; 0 if another asset still needs them. */
      bytes: number;
    }
  | { kind: 'would-delete'; id: string; bytes: number }
  | { kind: 'failed'; id: string; failure: FailureRecord };

export interface DeleteRequest {
  selection: Selection;
  dryRun: boolean;
}

/**
 * Removes assets, and their bytes with the last asset on them, in batches. What must not be deleted
 * is refused one by one and never stops the others. An interrupted run leaves DELETING rows, which
 * the next maintenance finishes.
 */
export async function* deleteAssets(context: OperationContext, request: DeleteRequest): AsyncGenerator<DeleteOutcome> {
  for await (const page of selectAssets(context, request.selection)) {
    if (context.signal.aborted) return;
    yield* request.dryRun ? planPage(context, page) : deletePage(context, page);
  }
}

/** What a confirmation names: how many assets a selection holds and how large their content is. */
export async function measureSelection(
  context: OperationContext,
  selection: Selection,
): Promise<{ count: number; bytes: number }> {
  if (selection.kind === 'filter') {
    const catalog = await context.catalog();
    return catalog.assets.count(selection.scope, selection.filter);
  }
  const total = { count: 0, bytes: 0 };
  for await (const page of selectAssets(context, selection)) {
    for (const selected of page) {
      if ('error' in selected) continue;
      total.count += 1;
      total.bytes += selected.found.asset.fileSize;
    }
  }
  return total;
}

function planPage(context: OperationContext, page: readonly Selected[]): DeleteOutcome[] {
  return page.map((selected) => {
    if ('error' in selected) return failure(selected.id, selected.error);
    const { asset } = selected.found;
    const refusal = refusalOf(context, selected.found);
    if (refusal !== undefined) return failure(asset.id, refusal);
    return { kind: 'would-delete', id: asset.id, bytes: asset.fileSize };
  });
}

async function* deletePage(context: OperationContext, page: readonly Selected[]): AsyncGenerator<DeleteOutcome> {
  const missing = page.flatMap((selected) => ('error' in selected ? selected : []));
  for (const { id, error } of missing) yield failure(id, error);
  await recordUnknown(context, missing);
  const found = page.flatMap((selected) => ('found' in selected ? selected.found : []));
  const { usable, unusable } = await checkStores(context, found);
  yield* unusable;
  if (usable.length === 0) return;
  const catalog = await context.catalog();
  const ids = usable.map(({ asset }) => asset.id);
  const results = await catalog.deletes.deleteAssets(context.identity, ids, context.leaseSeconds, context.audit);
  const stuck = await removeAll(context, results);
  for (const result of results) yield outcomeOf(result, usable, stuck);
}

/** Rule 0: no row goes before its store is known to be the store it was. */
async function checkStores(context: OperationContext, found: readonly AssetWithObject[]) {
  const broken = new Map<string, unknown>();
  for (const backend of new Set(found.map(({ asset }) => asset.backend))) {
    try {
      await openOwnStore(context, backend);
    } catch (error) {
      broken.set(backend, error);
    }
  }
  const usable = found.filter(({ asset }) => refusable(context, asset) || !broken.has(asset.backend));
  const unusable = found
    .filter((each) => !usable.includes(each))
    .map(({ asset }) => failure(asset.id, broken.get(asset.backend)));
  return { usable, unusable };
}

/** What the policy refuses anyway is refused for that reason, whatever its store says. */
function refusable(context: OperationContext, asset: AssetWithObject['asset']): boolean {
  return decideOnAsset(context.identity, 'delete', asset) !== 'allow';
}

function refusalOf(context: OperationContext, { asset }: AssetWithObject): AssetError | undefined {
  const decision = decideOnAsset(context.identity, 'delete', asset);
  if (decision === 'hide') return notFound(asset.id);
  return decision === 'deny' ? notPermitted(asset, 'delete') : undefined;
}

/** Removes the bytes that nothing refers to any more; returns the ids of the objects that resisted, with the reason. */
async function removeAll(context: OperationContext, results: readonly DeleteResult[]): Promise<Map<string, Error>> {
  const removable = results.flatMap((result) => {
    return result.kind === 'deleted' && result.removable !== undefined ? result.removable : [];
  });
  const byBackend = new Map<string, ClaimedObject[]>();
  for (const object of removable) {
    const objects = byBackend.get(object.backend) ?? [];
    byBackend.set(object.backend, [...objects, object]);
  }
  const stuck = new Map<string, Error>();
  await whileHolding(context, removable, async () => {
    for (const [backend, objects] of byBackend) {
      const store = await openOwnStore(context, backend);
      for (const { object, error } of await removeBytes(context, store, objects)) stuck.set(object.objectId, error);
    }
  });
  return stuck;
}

function outcomeOf(
  result: DeleteResult,
  found: readonly AssetWithObject[],
  stuck: ReadonlyMap<string, Error>,
): DeleteOutcome {
  if (result.kind === 'refused') {
    const each = found.find(({ asset }) => asset.id === result.id);
    const denied = each !== undefined && result.code === 'NOT_PERMITTED';
    return failure(result.id, denied ? notPermitted(each.asset, 'delete') : notFound(result.id));
  }
  const reason = result.removable === undefined ? undefined : stuck.get(result.removable.objectId);
  if (reason === undefined) return { kind: 'deleted', id: result.id, bytes: result.bytesFreed };
  const remain = new AssetError('BYTES_REMAIN', `Asset ${result.id} is gone, its bytes follow with purge-expired`, {
    hint: `They could not be removed now: ${reason.message}`,
    cause: reason,
  });
  return failure(result.id, remain);
}

async function recordUnknown(context: OperationContext, missing: readonly { id: string; error: unknown }[]) {
  const { identity, audit } = context;
  if (missing.length === 0) return;
  const catalog = await context.catalog();
  const events = missing.map(({ id, error }) => ({
    actor: identity.user,
    organizationId: identity.organization,
    action: 'deleted',
    assetId: null,
    outcome: 'refused' as const,
    details: { requested: id, ...toFailure(error) },
  }));
  await catalog.audit.record(events, audit);
}

function failure(id: string, error: unknown): DeleteOutcome {
  return { kind: 'failed', id, failure: toFailure(error) };
}
