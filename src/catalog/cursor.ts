import { AssetError } from '../core/errors.ts';

/** What a page ended with: the values that its order compares. */
export type CursorValues = readonly (string | number)[];

/** An opaque word for "after this row of this list". `list` names the list and its order. */
export function encodeCursor(list: string, values: CursorValues): string {
  return Buffer.from(JSON.stringify([list, ...values])).toString('base64url');
}

/**
 * @param kinds What the list's order compares, in its order.
 * @throws AssetError USAGE for a word that this list did not give
 */
export function decodeCursor(list: string, kinds: readonly ('string' | 'number')[], cursor: string): CursorValues {
  const parsed = parse(cursor);
  const fits =
    Array.isArray(parsed) &&
    parsed.length === kinds.length + 1 &&
    parsed[0] === list &&
    kinds.every((kind, index) => typeof parsed[index + 1] === kind);
  if (!fits) {
    throw new AssetError('USAGE', 'this cursor does not belong to this list', {
      hint: 'Pass the cursor that came with the page before, and the same options.',
    });
  }
  return parsed.slice(1);
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    // Anything that is not ours is refused alike by the caller.
    return undefined;
  }
}
