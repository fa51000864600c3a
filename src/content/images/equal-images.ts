import type { Original } from '../content.ts';
import type { ImageBytes } from './transform-image.ts';

/** undefined: best left as it came. */
type Result = ImageBytes | undefined;
/** None where it failed: whoever has the image finds out himself, under the name that he knows it by. */
type Outcome = { result: Result } | undefined;
type Kept = { outcome: Promise<Outcome> } | { bytes: WeakRef<Uint8Array>; mimeType: string } | 'as-it-came';

/** So many are under way before the catalog knows them; a result itself lives only while somebody else holds it. */
const MOST_KEPT = 1000;

export type OnceForEqual = (original: Original, make: () => Promise<Result>) => Promise<Result>;

/** Makes one result of images of a run that are equal, though the catalog does not know the first of them yet. */
export function createOnceForEqual(): OnceForEqual {
  const kept = new Map<string, Kept>();

  function keep(key: string, value: Kept): void {
    kept.delete(key);
    kept.set(key, value);
    const [oldest] = kept.keys();
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
  }

  return async ({ sha256, profile }, make) => {
    const key = `${sha256} ${profile}`;
    const earlier = await recall(kept.get(key));
    if (earlier !== undefined) return earlier.result;
    const making = make();
    keep(key, {
      outcome: making.then(
        (result) => ({ result }),
        () => undefined,
      ),
    });
    const result = await making;
    keep(key, result === undefined ? 'as-it-came' : { bytes: new WeakRef(result.bytes), mimeType: result.mimeType });
    return result;
  };
}

async function recall(known: Kept | undefined): Promise<Outcome> {
  if (known === undefined) return undefined;
  if (known === 'as-it-came') return { result: undefined };
  if ('outcome' in known) return known.outcome;
  const bytes = known.bytes.deref();
  return bytes === undefined ? undefined : { result: { bytes, mimeType: known.mimeType } };
}
