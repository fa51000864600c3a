import type { Expiry } from '../../catalog/catalog.ts';
import { toFailure } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';
import { withAddress } from '../download/public-access.ts';
import type { ChangeOutcome } from './change-outcome.ts';
import { changeRefused } from './change-refusals.ts';
import { namedAssets } from './named-assets.ts';

/** Changes when assets expire, one by one; permitted like `delete`. An asset in the trash may be extended too. */
export async function* extendAssets(
  context: OperationContext,
  ids: readonly string[],
  expiry: Expiry,
): AsyncGenerator<ChangeOutcome> {
  const catalog = await context.catalog();
  for await (const named of namedAssets(context, 'extended', ids)) {
    if (named.kind === 'failed') {
      yield named;
      continue;
    }
    const { found } = named;
    const wholeId = found.asset.id;
    const [change] = await catalog.lifecycle.extend(context.identity, [wholeId], expiry, context.audit);
    if (change?.kind === 'changed') yield { ...change, asset: withAddress(context, change.asset) };
    else if (change?.kind === 'refused') {
      const refusal = changeRefused(wholeId, 'extend', change.reason, change.asset);
      yield { kind: 'failed', id: wholeId, failure: toFailure(refusal) };
    }
  }
}
