import { randomUUID } from 'node:crypto';
import type { AssetChange, AssetFilter, AssetWithObject } from '../../catalog/catalog.ts';
import type { Asset } from '../../core/asset.ts';
import { toFailure } from '../../core/errors.ts';
import { keyInPlace } from '../../core/storage-key.ts';
import type { OperationContext } from '../context.ts';
import { isKeptBack, verdictRequired } from '../download/handing-out.ts';
import { cdnUrl, publicHeaders, withAddress } from '../download/public-access.ts';
import { carriedAsset, moveBytes } from '../moving/move-bytes.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import type { ChangeOutcome } from './change-outcome.ts';
import { changeRefused } from './change-refusals.ts';
import { recordFailedChange } from './failed-changes.ts';
import { namedAssets } from './named-assets.ts';
import { releaseAsset } from './release.ts';
import { withdrawBytes } from './withdraw.ts';

/**
 * Puts assets into the trash, for as long as is configured now. A public one leaves its public path first: its bytes
 * are moved to a private one. What no longer matches the filter that it was chosen by stays, and is not in the answer.
 */
export async function trashAssets(
  context: OperationContext,
  ids: readonly string[],
  filter?: AssetFilter,
): Promise<ChangeOutcome[]> {
  const catalog = await context.catalog();
  const retentionSeconds = context.lifecycle.trashSeconds;
  const changes = await catalog.lifecycle.trash(context.identity, ids, retentionSeconds, context.audit, filter);
  const outcomes: ChangeOutcome[] = [];
  for (const change of changes) {
    outcomes.push(await settle(context, 'delete', change, (found) => withdraw(context, found, retentionSeconds)));
  }
  return outcomes;
}

/**
 * Brings assets back from the trash, or from quarantine, one by one. A public one gets a new public address from the
 * trash; from quarantine it comes back private, with every other asset on its bytes.
 * @throws AssetError if the catalog cannot be used at all
 */
export async function* restoreAssets(context: OperationContext, ids: readonly string[]): AsyncGenerator<ChangeOutcome> {
  const catalog = await context.catalog();
  const released = new Set<string>();
  for await (const named of namedAssets(context, 'restored', ids)) {
    if (named.kind === 'failed') {
      yield named;
      continue;
    }
    const { found } = named;
    if (released.has(found.asset.id)) continue;
    if (isKeptBack(found.asset)) {
      for await (const outcome of releaseAsset(context, found.asset)) {
        released.add(outcome.id);
        yield outcome;
      }
      continue;
    }
    const [change] = await catalog.lifecycle.restore(context.identity, [found.asset.id], context.audit);
    if (change !== undefined) yield await settle(context, 'restore', change, (asset) => publishAgain(context, asset));
  }
}

async function settle(
  context: OperationContext,
  verb: string,
  change: AssetChange,
  move: (found: AssetWithObject) => Promise<Asset>,
): Promise<ChangeOutcome> {
  const { id } = change;
  if (change.kind === 'changed') return { ...change, asset: withAddress(context, change.asset) };
  if (change.kind === 'refused') {
    return { kind: 'failed', id, failure: toFailure(changeRefused(id, verb, change.reason, change.asset)) };
  }
  try {
    return { kind: 'changed', id, asset: withAddress(context, await move(change.found)) };
  } catch (error) {
    const failure = toFailure(asAssetError(error));
    await recordFailedChange(context, verb === 'delete' ? 'trashed' : 'restored', change.found.asset, failure);
    return { kind: 'failed', id, failure };
  }
}

async function withdraw(
  context: OperationContext,
  { asset, object }: AssetWithObject,
  retentionSeconds: number,
): Promise<Asset> {
  const outcome = await withdrawBytes(context, {
    source: object,
    to: {
      backend: object.backend,
      storagePath: keyInPlace(object.storagePath, 'private', randomUUID()),
      isPublic: false,
    },
    carry: { kind: 'one', assetId: asset.id, change: { kind: 'trash', retentionSeconds } },
    sourceEnd: { kind: 'delete' },
    audit: { action: 'trashed', details: {} },
  });
  return movedAsset(outcome, 'delete', asset);
}

async function publishAgain(context: OperationContext, { asset, object }: AssetWithObject): Promise<Asset> {
  if (asset.virusScanStatus === 'PENDING' && context.scanning.mode === 'required') throw verdictRequired(asset);
  const { backend } = object;
  const storagePath = keyInPlace(object.storagePath, 'public', randomUUID());
  const change = { kind: 'restore', cdnUrl: cdnUrl(context, backend, storagePath) } as const;
  const outcome = await moveBytes(context, {
    source: object,
    to: { backend, storagePath, isPublic: true, headers: publicHeaders(asset) },
    carry: { kind: 'one', assetId: asset.id, change },
    sourceEnd: { kind: 'delete' },
    audit: { action: 'restored', details: {} },
  });
  return movedAsset(outcome, 'restore', asset);
}

function movedAsset(outcome: Awaited<ReturnType<typeof moveBytes>>, verb: string, asset: Asset): Asset {
  if (outcome.kind === 'skipped') throw changeRefused(asset.id, verb, outcome.reason, asset);
  return carriedAsset(outcome);
}
