import type { AssetWithObject, Expiry } from '../catalog/catalog.ts';
import { toFailure } from '../core/errors.ts';
import { changeRefused } from './change-refusals.ts';
import type { OperationContext } from './context.ts';
import { resolveAsset } from './resolve-assets.ts';
import type { ChangeOutcome } from './trash.ts';
import { recordUnknownNames } from './unknown-names.ts';

/** Changes when assets expire, one by one; permitted like `delete`. An asset in the trash may be extended too. */
export async function* extendAssets(
  context: OperationContext,
  ids: readonly string[],
  expiry: Expiry,
): AsyncGenerator<ChangeOutcome> {
  const catalog = await context.catalog();
  for (const id of ids) {
    if (context.signal.aborted) return;
    let found: AssetWithObject;
    try {
      found = await resolveAsset(context, id);
    } catch (error) {
      await recordUnknownNames(context, 'extended', [{ id, error }]);
      yield { kind: 'failed', id, failure: toFailure(error) };
      continue;
    }
    const wholeId = found.asset.id;
    const [change] = await catalog.lifecycle.extend(context.identity, [wholeId], expiry, context.audit);
    if (change?.kind === 'changed') yield change;
    else if (change?.kind === 'refused') {
      const refusal = changeRefused(wholeId, 'extend', change.reason, change.asset);
      yield { kind: 'failed', id: wholeId, failure: toFailure(refusal) };
    }
  }
}
