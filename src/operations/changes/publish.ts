import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AssetWithObject, Visibility } from '../../catalog/catalog.ts';
import type { Asset } from '../../core/asset.ts';
import { toFailure } from '../../core/errors.ts';
import { keyInPlace } from '../../core/storage-key.ts';
import type { OperationContext } from '../context.ts';
import { cdnUrl, publicHeaders, withAddress } from '../download/public-access.ts';
import { carriedAsset, type MoveOutcome, moveBytes, type SkipReason } from '../moving/move-bytes.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import type { ChangeOutcome } from './change-outcome.ts';
import { changeRefused } from './change-refusals.ts';
import { recordFailedChange } from './failed-changes.ts';
import { namedAssets } from './named-assets.ts';
import { withdrawBytes } from './withdraw.ts';

/** The asset went on to other bytes while it was moved: what it is now is looked up, and moved. */
const OVERTAKEN: readonly SkipReason[] = ['busy', 'gone', 'missing', 'source-changed', 'target-changed'];
const MOST_TRIES = 5;
const LOOK_AGAIN_MILLISECONDS = 200;

/**
 * Moves assets to public addresses of their own, one by one (rule 6 of docs/architecture.md). An address that was
 * withdrawn is never used again. What is public already stays where it is.
 */
export function publishAssets(context: OperationContext, ids: readonly string[]): AsyncGenerator<ChangeOutcome> {
  const requiresVerdict = context.scanning.mode === 'required';
  return changeVisibility(context, ids, { isPublic: true, requiresVerdict });
}

/** Moves assets from their public addresses to private bytes, which they may share. What is private stays as it is. */
export function unpublishAssets(context: OperationContext, ids: readonly string[]): AsyncGenerator<ChangeOutcome> {
  return changeVisibility(context, ids, { isPublic: false, requiresVerdict: false });
}

async function* changeVisibility(
  context: OperationContext,
  ids: readonly string[],
  visibility: Visibility,
): AsyncGenerator<ChangeOutcome> {
  for await (const named of namedAssets(context, actionOf(visibility), ids)) {
    yield named.kind === 'failed' ? named : await changeOne(context, named.found.asset, visibility);
  }
}

async function changeOne(context: OperationContext, asset: Asset, visibility: Visibility): Promise<ChangeOutcome> {
  const { id } = asset;
  const patience = performance.now() + context.leaseSeconds * 1000;
  try {
    for (let tries = 1; ; ) {
      const catalog = await context.catalog();
      const [change] = await catalog.lifecycle.changeVisibility(context.identity, [id], visibility, context.audit);
      if (change === undefined) throw new Error('the catalog did not answer a change');
      if (change.kind === 'changed') return { ...change, asset: withAddress(context, change.asset) };
      if (change.kind === 'refused') {
        const refusal = changeRefused(id, verbOf(visibility), change.reason, change.asset);
        return { kind: 'failed', id, failure: toFailure(refusal) };
      }
      const outcome = await move(context, change.found, visibility);
      if (outcome.kind === 'moved') return { kind: 'changed', id, asset: withAddress(context, carriedAsset(outcome)) };
      // Whoever copies it now does so under a lease.
      const isBusy = outcome.reason === 'busy';
      const isOver = context.signal.aborted || (isBusy ? performance.now() > patience : tries >= MOST_TRIES);
      if (isOver || !OVERTAKEN.includes(outcome.reason)) {
        throw changeRefused(id, verbOf(visibility), outcome.reason, change.found.asset);
      }
      if (isBusy) await sleep(LOOK_AGAIN_MILLISECONDS);
      else tries += 1;
    }
  } catch (error) {
    const failure = toFailure(asAssetError(error));
    await recordFailedChange(context, actionOf(visibility), asset, failure);
    return { kind: 'failed', id, failure };
  }
}

function move(
  context: OperationContext,
  { asset, object }: AssetWithObject,
  visibility: Visibility,
): Promise<MoveOutcome> {
  const { backend } = object;
  const { isPublic } = visibility;
  const storagePath = keyInPlace(object.storagePath, isPublic ? 'public' : 'private', randomUUID());
  const address = isPublic ? cdnUrl(context, backend, storagePath) : null;
  const moveThem = isPublic ? moveBytes : withdrawBytes;
  return moveThem(context, {
    source: object,
    to: { backend, storagePath, isPublic, ...(isPublic ? { headers: publicHeaders(asset) } : {}) },
    carry: { kind: 'one', assetId: asset.id, change: { kind: 'visibility', cdnUrl: address, ...visibility } },
    sourceEnd: { kind: 'delete' },
    audit: { action: actionOf(visibility), details: {} },
  });
}

function verbOf({ isPublic }: Visibility): string {
  return isPublic ? 'publish' : 'unpublish';
}

/** The audit trail's word for it. */
function actionOf(visibility: Visibility): string {
  return `${verbOf(visibility)}ed`;
}
