import { randomUUID } from 'node:crypto';
import type { ContentRef } from '../../catalog/catalog.ts';
import type { Asset } from '../../core/asset.ts';
import { toFailure } from '../../core/errors.ts';
import { keyInPlace } from '../../core/storage-key.ts';
import type { OperationContext } from '../context.ts';
import { withAddress } from '../download/public-access.ts';
import { moveBytes } from '../moving/move-bytes.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import type { ChangeOutcome } from './change-outcome.ts';
import { changeRefused } from './change-refusals.ts';

/**
 * Releases the content of an asset from quarantine: its signature is accepted, its bytes go back to private keys, and
 * every asset on them is named. Killed in between, it is repeated.
 */
export async function* releaseAsset(context: OperationContext, asset: Asset): AsyncGenerator<ChangeOutcome> {
  const { id } = asset;
  try {
    const catalog = await context.catalog();
    const acceptance = await catalog.verdicts.accept(context.identity, id, context.audit);
    if (acceptance.kind === 'refused') throw changeRefused(id, 'restore', acceptance.reason, asset);
    const { content, signature } = acceptance;
    let named = false;
    for (const released of await moveBack(context, asset, content, signature)) {
      named ||= released.id === id;
      yield { kind: 'changed', id: released.id, asset: withAddress(context, released) };
    }
    if (!named) yield* asItIs(context, id);
  } catch (error) {
    yield { kind: 'failed', id, failure: toFailure(asAssetError(error)) };
  }
}

async function moveBack(
  context: OperationContext,
  asset: Asset,
  content: ContentRef,
  signature: string | null,
): Promise<Asset[]> {
  const catalog = await context.catalog();
  const released: Asset[] = [];
  for (const source of await catalog.verdicts.copiesInQuarantine(content)) {
    const outcome = await moveBytes(context, {
      source,
      to: {
        backend: source.backend,
        storagePath: keyInPlace(source.storagePath, 'private', randomUUID()),
        isPublic: false,
      },
      carry: { kind: 'all', change: 'release' },
      sourceEnd: { kind: 'delete' },
      audit: { action: 'restored', details: { acceptedSignature: signature } },
    });
    if (outcome.kind === 'skipped') throw changeRefused(asset.id, 'restore', outcome.reason, asset);
    released.push(...outcome.assets);
  }
  return released;
}

/** Its verdict was accepted before its bytes had been moved at all. */
async function* asItIs(context: OperationContext, id: string): AsyncGenerator<ChangeOutcome> {
  const catalog = await context.catalog();
  const [found] = await catalog.assets.byIds(context.identity, [id]);
  if (found !== undefined) yield { kind: 'changed', id, asset: withAddress(context, found.asset) };
}
