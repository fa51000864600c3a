import type { AssetWithObject } from '../../catalog/catalog.ts';
import { type FailureRecord, toFailure } from '../../core/errors.ts';
import { resolveAsset } from '../assets/resolve-assets.ts';
import { recordUnknownNames } from '../assets/unknown-names.ts';
import type { OperationContext } from '../context.ts';

export type NamedAsset =
  | { kind: 'found'; found: AssetWithObject }
  /** The name leads nowhere; that is in the audit trail. */
  | { kind: 'failed'; id: string; failure: FailureRecord };

/** The assets that ids name, one by one, each as it is when its turn comes; ends when the user wants to stop. */
export async function* namedAssets(
  context: OperationContext,
  action: string,
  ids: readonly string[],
): AsyncGenerator<NamedAsset> {
  for (const id of ids) {
    if (context.signal.aborted) return;
    yield await lookUp(context, action, id);
  }
}

async function lookUp(context: OperationContext, action: string, id: string): Promise<NamedAsset> {
  try {
    return { kind: 'found', found: await resolveAsset(context, id) };
  } catch (error) {
    await recordUnknownNames(context, action, [{ id, error }]);
    return { kind: 'failed', id, failure: toFailure(error) };
  }
}
